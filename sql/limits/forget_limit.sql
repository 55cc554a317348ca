-- Forgets what was taken from a limit.
DELETE FROM rate_limits
WHERE key = :key
