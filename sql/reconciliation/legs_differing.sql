-- Lines of the ledger that say another amount than their balance transaction, with or without the fee in it.
SELECT
    t.id AS subject, t.account, l.amount_cents - t.leg_cents AS difference_cents, NULL::timestamptz AS at
FROM balance_transactions t
JOIN ledger_lines l ON l.balance_transaction_id = t.id AND l.account = t.account
WHERE l.amount_cents NOT IN (t.leg_cents, t.net_cents)
ORDER BY t.created_at, t.id
LIMIT :most
