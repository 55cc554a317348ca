-- The person who pays, as Stripe should know them.
SELECT id AS user_id, email::text AS email, display_name, stripe_customer_id, stripe_customers_lost
FROM users
WHERE id = :user_id
