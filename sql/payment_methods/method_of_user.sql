-- One saved card of a user.
SELECT id, refused_at IS NOT NULL AS is_refused
FROM payment_methods
WHERE id = :payment_method_id AND user_id = :user_id AND detached_at IS NULL
