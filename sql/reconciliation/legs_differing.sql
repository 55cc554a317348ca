-- Lines that say another amount than their balance transaction, with or without the fee in it: either is new, or known to differ.
WITH looked_at AS (
    SELECT l.account, l.balance_transaction_id AS id
    FROM ledger_lines l
    WHERE l.entry_id > :since_id AND l.balance_transaction_id IS NOT NULL
    UNION ALL
    SELECT t.account, t.id
    FROM balance_transactions t
    WHERE t.kept_at > :since_at
        -- a full look has them by their lines
        AND :since_id <> '00000000-0000-0000-0000-000000000000'::uuid
    UNION ALL
    SELECT i.account, i.subject
    FROM reconciliation_incidents i
    WHERE i.closed_at IS NULL AND i.check_name = 'leg_differs'
)
SELECT DISTINCT
    t.id AS subject, t.account, l.amount_cents - t.leg_cents AS difference_cents, NULL::timestamptz AS at
FROM looked_at k
-- one by one, by their indexes: a guess of how many there are would read both books whole
CROSS JOIN LATERAL (
    SELECT b.id, b.account, b.leg_cents, b.net_cents
    FROM balance_transactions b
    WHERE b.account = k.account AND b.id = k.id
    OFFSET 0
) t
CROSS JOIN LATERAL (
    SELECT e.amount_cents
    FROM ledger_lines e
    WHERE e.balance_transaction_id = k.id AND e.account = k.account
    OFFSET 0
) l
WHERE l.amount_cents NOT IN (t.leg_cents, t.net_cents)
ORDER BY subject
LIMIT :most
