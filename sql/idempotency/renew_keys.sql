-- Says that the requests behind these keys are still being worked on by a living process.
UPDATE idempotency_keys k
SET claimed_at = :now
FROM unnest(:user_ids::uuid[], :methods::text[], :paths::text[], :keys::text[]) AS live (user_id, method, path, key)
WHERE k.user_id = live.user_id
    AND k.method = live.method
    AND k.path = live.path
    AND k.key = live.key
    AND k.finished_at IS NULL
