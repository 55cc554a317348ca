-- Disputes of everybody, those open first come by asking for them, newest first.
SELECT
    id, booking_id, status, reason, amount_cents, currency, previous_status, recovery, evidence_count,
    evidence_due_at, created_at, closed_at
FROM disputes
WHERE (NOT :only_open::boolean OR closed_at IS NULL)
    AND (:before_at::timestamptz IS NULL OR (created_at, id) < (:before_at, :before_id::text))
ORDER BY created_at DESC, id DESC
LIMIT :most
