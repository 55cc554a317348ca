-- Remembers a user's customer at Stripe; the first one stays.
UPDATE users SET stripe_customer_id = coalesce(stripe_customer_id, :stripe_customer_id)
WHERE id = :user_id
RETURNING stripe_customer_id
