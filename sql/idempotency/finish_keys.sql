-- Keeps answers for everybody who asks again.
UPDATE idempotency_keys k
SET finished_at = :now, response_status = done.response_status, response_body = done.response_body
FROM unnest(:user_ids::uuid[], :methods::text[], :paths::text[], :keys::text[], :response_statuses::int[], :response_bodies::bytea[])
    AS done (user_id, method, path, key, response_status, response_body)
WHERE k.user_id = done.user_id AND k.method = done.method AND k.path = done.path AND k.key = done.key
