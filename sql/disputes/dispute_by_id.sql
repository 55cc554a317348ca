-- One dispute by its id at Stripe.
SELECT
    id, booking_id, status, reason, amount_cents, currency, previous_status, recovery, evidence_count,
    evidence_due_at, created_at, closed_at
FROM disputes
WHERE id = :dispute_id
