-- What the lines between two entries add to each account whose sum is kept.
SELECT l.account, sum(l.amount_cents)::bigint AS cents
FROM ledger_lines l
WHERE l.entry_id > :since_id AND l.entry_id <= :until_id AND l.account ~ '^(SP$|SC:|WAL:|CRA:|CRR:|PAY:)'
GROUP BY l.account
ORDER BY l.account
