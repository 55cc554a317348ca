-- Lines of the ledger whose balance transaction Stripe does not list.
SELECT l.balance_transaction_id AS subject, l.account, l.amount_cents AS difference_cents, e.effective_at AS at
FROM ledger_lines l
JOIN ledger_entries e ON e.id = l.entry_id
WHERE l.balance_transaction_id IS NOT NULL
    AND (l.account = 'SP' OR l.account LIKE 'SC:%')
    AND NOT EXISTS (
        SELECT 1 FROM balance_transactions t
        WHERE t.account = l.account AND t.id = l.balance_transaction_id
    )
ORDER BY e.effective_at, l.balance_transaction_id
LIMIT :most
