-- The operation of a booking that is still open.
SELECT
    id, kind, booking_id, subject_id, idempotency_key, params, state, attempts, planned_at,
    first_sent_at, sent_at
FROM stripe_operations
WHERE booking_id = :booking_id AND state IN ('planned', 'sent', 'unknown', 'parked')
