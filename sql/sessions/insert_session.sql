-- Begins a session of one browser or program.
INSERT INTO sessions (id, user_id, kind, user_agent, created_at, expires_at)
VALUES (:session_id, :user_id, :kind, :user_agent, :now, :expires_at)
