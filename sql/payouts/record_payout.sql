-- Keeps what Stripe shows of a payout; an older look never undoes a newer one. Scheduled ones are added.
WITH known AS (
    UPDATE payouts
    SET state = CASE WHEN :rank >= array_position(ARRAY['requested', 'in_transit', 'paid'], state) - 1 THEN :state ELSE state END,
        net_cents = :net_cents,
        fee_cents = :fee_cents,
        fee_refunded_cents = greatest(fee_refunded_cents, :fee_refunded_cents),
        stripe_payout_id = :stripe_payout_id,
        arrival_at = :arrival_at,
        failure_code = coalesce(:failure_code, failure_code),
        finished_at = coalesce(:finished_at, finished_at)
    WHERE instructor_id = :instructor_id AND (id = :payout_id OR stripe_payout_id = :stripe_payout_id)
    RETURNING id
)
INSERT INTO payouts (
    id, instructor_id, state, is_instant, is_asked, net_cents, fee_cents, fee_refunded_cents, currency, stripe_payout_id,
    arrival_at, failure_code, created_at, finished_at
)
SELECT
    :payout_id, :instructor_id, :state, :is_instant, false, :net_cents, :fee_cents, :fee_refunded_cents, :currency,
    :stripe_payout_id, :arrival_at, :failure_code, :now, :finished_at
WHERE NOT EXISTS (SELECT id FROM known)
