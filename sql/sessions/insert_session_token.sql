-- Stores the hash of a session's newest secret: its refresh token or its cookie.
INSERT INTO session_tokens (token_hash, session_id, created_at, expires_at)
VALUES (:token_hash, :session_id, :now, :expires_at)
