-- The card a user saved last.
SELECT id
FROM payment_methods
WHERE user_id = :user_id AND detached_at IS NULL
ORDER BY created_at DESC, id DESC
LIMIT 1
