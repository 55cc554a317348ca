-- Operations that a crash or a lost answer left open, oldest first.
SELECT
    id, kind, booking_id, subject_id, idempotency_key, params, state, attempts, planned_at,
    first_sent_at, sent_at
FROM stripe_operations
WHERE state = 'unknown'
    OR (state IN ('planned', 'sent') AND coalesce(sent_at, planned_at) <= :untouched_since)
ORDER BY planned_at
LIMIT :most
