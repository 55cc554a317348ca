-- Keeps the answer for everybody who asks again.
UPDATE idempotency_keys
SET finished_at = :now, response_status = :response_status, response_body = :response_body
WHERE user_id = :user_id AND method = :method AND path = :path AND key = :key
