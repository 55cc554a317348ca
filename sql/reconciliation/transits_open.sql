-- Bookings whose captured money has not been allocated.
SELECT
    substr(l.account, 5) AS subject, l.account, sum(l.amount_cents)::bigint AS difference_cents,
    max(e.effective_at) AS at
FROM ledger_lines l
JOIN ledger_entries e ON e.id = l.entry_id
WHERE l.account LIKE 'CLR:%'
GROUP BY l.account
HAVING sum(l.amount_cents) <> 0
ORDER BY l.account
LIMIT :most
