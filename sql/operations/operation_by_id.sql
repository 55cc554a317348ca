-- One write at Stripe, over or not.
SELECT
    id, kind, booking_id, subject_id, idempotency_key, params, state, attempts, planned_at,
    first_sent_at, sent_at
FROM stripe_operations
WHERE id = :operation_id
