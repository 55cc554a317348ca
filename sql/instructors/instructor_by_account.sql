-- Whose Stripe account it is.
SELECT id
FROM instructors
WHERE stripe_account_id = :stripe_account_id
