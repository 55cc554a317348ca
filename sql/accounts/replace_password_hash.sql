-- Stores a hash made with newer parameters of the same password.
UPDATE users
SET password_hash = :password_hash
WHERE id = :user_id
