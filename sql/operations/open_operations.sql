-- Writes that are not over, newest first, page by page.
SELECT
    id, kind, booking_id, subject_id, idempotency_key, params, state, attempts, planned_at,
    first_sent_at, error_code
FROM stripe_operations
WHERE state IN ('planned', 'sent', 'unknown', 'parked')
    AND (:state::text IS NULL OR state = :state)
    AND (:before_at::timestamptz IS NULL OR (planned_at, id) < (:before_at, :before_id::uuid))
ORDER BY planned_at DESC, id DESC
LIMIT :most
