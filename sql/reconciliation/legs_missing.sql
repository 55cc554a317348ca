-- Balance transactions without a line in the ledger: by their id or, where Stripe tells us none, by their object.
SELECT t.id AS subject, t.account, -t.leg_cents AS difference_cents, t.created_at AS at
FROM balance_transactions t
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
