-- The user behind a customer at Stripe.
SELECT id FROM users WHERE stripe_customer_id = :stripe_customer_id
