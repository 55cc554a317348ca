-- Notes when Stripe was last asked for an account's transactions.
INSERT INTO reconciliation_accounts AS a (account, looked_at)
VALUES (:account, :now)
ON CONFLICT (account) DO UPDATE SET looked_at = greatest(a.looked_at, excluded.looked_at)
