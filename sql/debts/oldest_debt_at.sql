-- Since when the instructor who owes the platform for the longest time has owed it.
WITH balances AS (
    SELECT
        l.account, e.effective_at,
        sum(l.amount_cents) OVER (PARTITION BY l.account ORDER BY e.effective_at RANGE UNBOUNDED PRECEDING) AS balance_cents
    FROM ledger_balances b
    JOIN ledger_lines l ON l.account = b.account
    JOIN ledger_entries e ON e.id = l.entry_id
    WHERE b.account LIKE 'WAL:%' AND b.balance_cents > 0
), ends AS (
    SELECT account, max(effective_at) FILTER (WHERE balance_cents <= 0) AS free_at
    FROM balances
    GROUP BY account
)
SELECT min(b.effective_at)
FROM balances b
JOIN ends n ON n.account = b.account
WHERE b.balance_cents > 0 AND (n.free_at IS NULL OR b.effective_at > n.free_at)
