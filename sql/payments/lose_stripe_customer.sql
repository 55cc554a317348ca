-- Forgets a customer that is no more at Stripe, and counts it; whose it was.
UPDATE users SET stripe_customer_id = NULL, stripe_customers_lost = stripe_customers_lost + 1
WHERE stripe_customer_id = :stripe_customer_id
RETURNING id
