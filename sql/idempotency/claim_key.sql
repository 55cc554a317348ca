-- Claims a key for this request, also from a process that died with it; nothing if it is not free.
INSERT INTO idempotency_keys AS k (user_id, method, path, key, request_hash, booking_id, claimed_at, expires_at)
VALUES (:user_id, :method, :path, :key, :request_hash, :booking_id, :now, :expires_at)
ON CONFLICT (user_id, method, path, key) DO UPDATE
    SET claimed_at = :now,
        expires_at = :expires_at,
        request_hash = :request_hash,
        booking_id = CASE WHEN k.expires_at <= :now THEN :booking_id ELSE k.booking_id END,
        finished_at = NULL,
        response_status = NULL,
        response_body = NULL
    WHERE k.expires_at <= :now
        OR (k.finished_at IS NULL AND k.claimed_at < :stale_before AND k.request_hash = :request_hash)
RETURNING booking_id
