-- Disputes that are not over, oldest first, those after one.
SELECT
    id, booking_id, status, reason, amount_cents, currency, previous_status, recovery, evidence_count,
    evidence_due_at, created_at, closed_at
FROM disputes
WHERE closed_at IS NULL
    AND (:after_at::timestamptz IS NULL OR (created_at, id) > (:after_at, :after_id::text))
ORDER BY created_at, id
LIMIT :most
