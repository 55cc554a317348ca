-- The ledger against itself: all lines sum to zero, and running balances are the sums of their lines.
SELECT 'all' AS subject, 'all' AS account, sum(amount_cents)::bigint AS difference_cents, NULL::timestamptz AS at
FROM ledger_lines
HAVING sum(amount_cents) <> 0
UNION ALL
SELECT b.account, b.account, b.balance_cents - coalesce(sum(l.amount_cents), 0)::bigint, NULL
FROM ledger_balances b
LEFT JOIN ledger_lines l ON l.account = b.account
GROUP BY b.account, b.balance_cents
HAVING b.balance_cents <> coalesce(sum(l.amount_cents), 0)
ORDER BY subject
LIMIT :most
