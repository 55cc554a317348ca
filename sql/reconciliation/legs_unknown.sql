-- Lines of the ledger whose balance transaction Stripe does not list: posted since an entry, or known to lack one.
WITH looked_at AS (
    SELECT l.entry_id, l.account, l.amount_cents, l.balance_transaction_id
    FROM ledger_lines l
    WHERE l.entry_id > :since_id AND l.balance_transaction_id IS NOT NULL
    UNION ALL
    SELECT l.entry_id, l.account, l.amount_cents, l.balance_transaction_id
    FROM reconciliation_incidents i
    JOIN ledger_lines l ON l.balance_transaction_id = i.subject AND l.account = i.account
    WHERE i.closed_at IS NULL AND i.check_name = 'leg_unknown' AND l.entry_id <= :since_id
)
SELECT l.balance_transaction_id AS subject, l.account, l.amount_cents AS difference_cents, e.effective_at AS at
FROM looked_at l
JOIN ledger_entries e ON e.id = l.entry_id
WHERE (l.account = 'SP' OR l.account LIKE 'SC:%')
    AND NOT EXISTS (
        SELECT 1 FROM balance_transactions t
        WHERE t.account = l.account AND t.id = l.balance_transaction_id
    )
ORDER BY e.effective_at, l.balance_transaction_id
LIMIT :most
