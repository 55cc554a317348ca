-- An instructor's payouts, newest first.
SELECT
    id, instructor_id, state, is_instant, is_asked, net_cents, fee_cents, fee_refunded_cents, currency,
    stripe_payout_id, arrival_at, failure_code, created_at, finished_at
FROM payouts
WHERE instructor_id = :instructor_id AND (:before_id::uuid IS NULL OR id < :before_id)
ORDER BY id DESC
LIMIT :most
