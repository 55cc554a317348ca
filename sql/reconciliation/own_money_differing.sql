-- Instructors whose own money is not what stands behind it at Stripe.
SELECT
    i.id::text AS subject, 'SC:' || i.stripe_account_id AS account,
    coalesce(s.balance_cents, 0) + coalesce(w.balance_cents, 0) AS difference_cents, NULL::timestamptz AS at
FROM instructors i
LEFT JOIN ledger_balances s ON s.account = 'SC:' || i.stripe_account_id
LEFT JOIN ledger_balances w ON w.account = 'WAL:' || i.id
WHERE i.stripe_account_id IS NOT NULL AND coalesce(s.balance_cents, 0) + coalesce(w.balance_cents, 0) <> 0
ORDER BY i.id
LIMIT :most
