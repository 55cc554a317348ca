-- Connected accounts that may not receive or not pay out money yet, by id, those after one.
SELECT stripe_account_id
FROM instructors
WHERE stripe_account_id > :after
    AND deauthorized_at IS NULL
    AND NOT (has_transfers AND has_payouts)
ORDER BY stripe_account_id
LIMIT :most
