-- Balance transactions without a line in the ledger, by their id or their object: kept since an instant, or known to miss one.
WITH looked_at AS (
    SELECT t.account, t.id, t.leg_cents, t.source, t.created_at
    FROM balance_transactions t
    WHERE t.kept_at > :since_at
    UNION ALL
    SELECT t.account, t.id, t.leg_cents, t.source, t.created_at
    FROM reconciliation_incidents i
    JOIN balance_transactions t ON t.account = i.account AND t.id = i.subject
    WHERE i.closed_at IS NULL AND i.check_name = 'leg_missing' AND t.kept_at <= :since_at
)
SELECT t.id AS subject, t.account, -t.leg_cents AS difference_cents, t.created_at AS at
FROM looked_at t
WHERE t.leg_cents <> 0
    AND NOT EXISTS (
        SELECT 1 FROM ledger_lines l
        WHERE l.balance_transaction_id = t.id AND l.account = t.account
    )
    AND NOT EXISTS (
        SELECT 1
        FROM ledger_entries e
        JOIN ledger_lines l ON l.entry_id = e.id
        WHERE e.source = t.source AND l.account = t.account AND l.balance_transaction_id IS NULL
            AND l.amount_cents = t.leg_cents
    )
ORDER BY t.created_at, t.id
LIMIT :most
