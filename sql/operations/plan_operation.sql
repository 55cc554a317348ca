-- Plans one write at Stripe in the transaction that decides it; at most one is open a booking.
INSERT INTO stripe_operations (id, kind, booking_id, subject_id, idempotency_key, params, planned_at)
VALUES (:operation_id, :kind, :booking_id, :subject_id, :idempotency_key, :params, :wall_now)
RETURNING
    id, kind, booking_id, subject_id, idempotency_key, params, state, attempts, planned_at,
    first_sent_at, sent_at
