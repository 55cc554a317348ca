-- A user's saved cards, newest first.
SELECT id, brand, last4, exp_month, exp_year, created_at
FROM payment_methods
WHERE user_id = :user_id AND detached_at IS NULL
ORDER BY created_at DESC, id DESC
LIMIT 100
