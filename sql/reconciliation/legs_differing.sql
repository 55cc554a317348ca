-- Lines that say another amount than their balance transaction, with or without the fee in it: either is new, or known to differ.
WITH looked_at AS (
    SELECT l.account, l.balance_transaction_id AS id
    FROM ledger_lines l
    WHERE l.entry_id > :since_id AND l.balance_transaction_id IS NOT NULL
    UNION
    SELECT t.account, t.id
    FROM balance_transactions t
    WHERE t.kept_at > :since_at
    UNION
    SELECT i.account, i.subject
    FROM reconciliation_incidents i
    WHERE i.closed_at IS NULL AND i.check_name = 'leg_differs'
)
SELECT
    t.id AS subject, t.account, l.amount_cents - t.leg_cents AS difference_cents, NULL::timestamptz AS at
FROM looked_at k
JOIN balance_transactions t ON t.account = k.account AND t.id = k.id
JOIN ledger_lines l ON l.balance_transaction_id = t.id AND l.account = t.account
WHERE l.amount_cents NOT IN (t.leg_cents, t.net_cents)
ORDER BY t.created_at, t.id
LIMIT :most
