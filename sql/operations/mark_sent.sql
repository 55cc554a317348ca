-- Notes that an open operation is about to go out; finished ones are left alone.
UPDATE stripe_operations SET
    state = 'sent',
    attempts = attempts + 1,
    sent_at = :wall_now,
    first_sent_at = coalesce(first_sent_at, :now)
WHERE id = :operation_id AND state IN ('planned', 'sent', 'unknown')
RETURNING
    id, kind, booking_id, subject_id, idempotency_key, params, state, attempts, planned_at,
    first_sent_at, sent_at
