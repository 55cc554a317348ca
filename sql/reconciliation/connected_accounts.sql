-- Every connected account and whose it is.
SELECT id AS instructor_id, stripe_account_id
FROM instructors
WHERE stripe_account_id IS NOT NULL
ORDER BY id
