-- What a sign-in is checked against.
SELECT id AS user_id, password_hash
FROM users
WHERE email = :email::citext
