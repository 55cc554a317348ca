-- Until when a limit is used up, for telling how long to wait.
SELECT arrives_at
FROM rate_limits
WHERE key = :key
