-- One saved card of a user.
SELECT id, brand, last4, exp_month, exp_year, created_at
FROM payment_methods
WHERE id = :payment_method_id AND user_id = :user_id AND detached_at IS NULL
