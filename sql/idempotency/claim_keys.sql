-- Claims keys for their requests, also from a process that died with one; returns those that were free.
INSERT INTO idempotency_keys AS k (user_id, method, path, key, request_hash, booking_id, claimed_at, expires_at)
SELECT user_id, method, path, key, request_hash, booking_id, :now, :expires_at
FROM unnest(:user_ids::uuid[], :methods::text[], :paths::text[], :keys::text[], :request_hashes::bytea[], :booking_ids::uuid[])
    AS wanted (user_id, method, path, key, request_hash, booking_id)
ORDER BY user_id, method, path, key
ON CONFLICT (user_id, method, path, key) DO UPDATE
    SET claimed_at = excluded.claimed_at,
        expires_at = excluded.expires_at,
        request_hash = excluded.request_hash,
        booking_id = CASE WHEN k.expires_at <= :now THEN excluded.booking_id ELSE k.booking_id END,
        finished_at = NULL,
        response_status = NULL,
        response_body = NULL
    WHERE k.expires_at <= :now
        OR (k.finished_at IS NULL AND k.claimed_at < :stale_before AND k.request_hash = excluded.request_hash)
RETURNING user_id, method, path, key, booking_id
