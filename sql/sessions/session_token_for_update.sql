-- Locks a session and the secret that was shown for it, so that two refreshes cannot both win.
SELECT t.session_id, s.user_id, s.kind, least(t.expires_at, s.expires_at) AS expires_at, t.replaced_at, s.ended_at
FROM session_tokens t
JOIN sessions s ON s.id = t.session_id
WHERE t.token_hash = :token_hash
FOR UPDATE OF s, t
