-- Forgets limits that nobody has used up any more.
DELETE FROM rate_limits
WHERE arrives_at < :now
