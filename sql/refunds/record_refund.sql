-- Keeps what Stripe shows of a refund; one that was made at Stripe itself is added.
WITH known AS (
    UPDATE refunds
    SET state = :state,
        stripe_refund_id = :stripe_refund_id,
        failure_reason = :failure_reason,
        finished_at = CASE WHEN :finished_at::timestamptz IS NULL THEN NULL ELSE coalesce(finished_at, :finished_at) END
    WHERE booking_id = :booking_id AND (id = :refund_id OR stripe_refund_id = :stripe_refund_id)
    RETURNING id
)
INSERT INTO refunds (
    id, booking_id, amount_cents, currency, reverses_transfer, cause, state, stripe_refund_id, failure_reason, created_at, finished_at
)
SELECT
    :refund_id, :booking_id, :amount_cents, :currency, true, 'stripe', :state, :stripe_refund_id, :failure_reason, :now, :finished_at
WHERE NOT EXISTS (SELECT id FROM known)
