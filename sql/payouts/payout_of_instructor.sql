-- One payout of one instructor.
SELECT
    id, instructor_id, state, is_instant, is_asked, net_cents, fee_cents, fee_refunded_cents, currency,
    stripe_payout_id, arrival_at, failure_code, created_at, finished_at
FROM payouts
WHERE id = :payout_id AND instructor_id = :instructor_id
