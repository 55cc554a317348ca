-- The roles an account has at this moment.
SELECT roles
FROM users
WHERE id = :user_id
