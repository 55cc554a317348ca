-- The refunds of one booking, oldest first.
SELECT
    id, booking_id, amount_cents, currency, reverses_transfer, cause, reason, requested_by, state,
    stripe_refund_id, failure_reason, created_at, finished_at, is_credit
FROM refunds
WHERE booking_id = :booking_id
ORDER BY id
