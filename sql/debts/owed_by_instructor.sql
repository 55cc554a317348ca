-- What an instructor owes the platform by the ledger: what went back after it was paid out.
SELECT coalesce(max(balance_cents), 0)::bigint
FROM ledger_balances
WHERE account = 'WAL:' || :instructor_id::uuid AND balance_cents > 0
