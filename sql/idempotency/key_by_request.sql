-- What became of a key somebody else claimed first.
SELECT request_hash, response_status, response_body
FROM idempotency_keys
WHERE user_id = :user_id AND method = :method AND path = :path AND key = :key
