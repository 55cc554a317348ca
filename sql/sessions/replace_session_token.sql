-- Marks a secret as used up; it coming again means that it was stolen.
UPDATE session_tokens
SET replaced_at = :now
WHERE token_hash = :token_hash
