-- The balance of every account, debit positive.
SELECT account, sum(amount_cents)::bigint AS balance_cents
FROM ledger_lines
GROUP BY account
HAVING sum(amount_cents) <> 0
ORDER BY account
