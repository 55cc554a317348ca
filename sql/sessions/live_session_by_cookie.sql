-- Who sits behind a cookie, if its session lives.
SELECT s.id AS session_id, s.user_id, u.roles, least(t.expires_at, s.expires_at) AS expires_at
FROM session_tokens t
JOIN sessions s ON s.id = t.session_id
JOIN users u ON u.id = s.user_id
WHERE t.token_hash = :token_hash
    AND s.kind = 'cookie'
    AND s.ended_at IS NULL
    AND t.replaced_at IS NULL
    AND least(t.expires_at, s.expires_at) > :now
