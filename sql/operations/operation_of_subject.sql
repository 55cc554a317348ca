-- The operation that is still open for something else than a booking.
SELECT
    id, kind, booking_id, subject_id, idempotency_key, params, state, attempts, planned_at,
    first_sent_at, sent_at
FROM stripe_operations
WHERE subject_id = :subject_id AND booking_id IS NULL AND state IN ('planned', 'sent', 'unknown')
