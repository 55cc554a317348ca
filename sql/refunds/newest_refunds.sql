-- Refunds of everybody in one state or in any, newest first.
SELECT
    id, booking_id, amount_cents, currency, reverses_transfer, cause, reason, requested_by, state,
    stripe_refund_id, failure_reason, created_at, finished_at, is_credit
FROM refunds
WHERE (:state::text IS NULL OR state = :state)
    AND (:before_id::uuid IS NULL OR id < :before_id)
ORDER BY id DESC
LIMIT :limit
