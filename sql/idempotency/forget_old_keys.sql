-- Forgets keys whose time is over.
DELETE FROM idempotency_keys
WHERE expires_at < :now
