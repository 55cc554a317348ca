-- Locks an instructor while their Stripe account is made or noted.
SELECT i.id, u.email::text AS email, u.display_name, i.stripe_account_id
FROM instructors i
JOIN users u ON u.id = i.id
WHERE i.id = :instructor_id
FOR UPDATE OF i
