-- The disputes of one booking, oldest first.
SELECT
    id, booking_id, status, reason, amount_cents, currency, previous_status, recovery, evidence_count,
    evidence_due_at, created_at, closed_at
FROM disputes
WHERE booking_id = :booking_id
ORDER BY created_at, id
