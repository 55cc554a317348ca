-- Lets the next request with this key resume what this one may have left half done.
UPDATE idempotency_keys
SET claimed_at = 'epoch'
WHERE user_id = :user_id AND method = :method AND path = :path AND key = :key AND finished_at IS NULL
