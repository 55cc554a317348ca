-- How much open incidents come to, by kind of account.
SELECT split_part(account, ':', 1) AS account, sum(abs(difference_cents))::bigint AS difference_cents
FROM reconciliation_incidents
WHERE closed_at IS NULL
GROUP BY split_part(account, ':', 1)
ORDER BY account
