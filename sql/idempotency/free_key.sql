-- Frees a key after a refusal without effect: the next request starts afresh.
DELETE FROM idempotency_keys
WHERE user_id = :user_id AND method = :method AND path = :path AND key = :key AND finished_at IS NULL
