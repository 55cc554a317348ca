-- Sessions that ended lately: their access tokens may still be unexpired.
SELECT id AS session_id, ended_at
FROM sessions
WHERE ended_at >= :since AND ended_at IS NOT NULL
