-- What all the platform's balance transactions come to, reserves left out.
SELECT coalesce(sum(net_cents), 0)::bigint
FROM balance_transactions
WHERE account = 'SP' AND NOT is_reserve
