-- Keeps what Stripe shows of a dispute; an older look never undoes a newer one.
INSERT INTO disputes (
    id, booking_id, status, reason, amount_cents, currency, previous_status, recovery, evidence_count, evidence_due_at,
    created_at, closed_at
)
VALUES (
    :dispute_id, :booking_id, :status, :reason, :amount_cents, :currency, :previous_status, :recovery, :evidence_count,
    :evidence_due_at, :now, :closed_at
)
ON CONFLICT (id) DO UPDATE
SET status = excluded.status,
    evidence_count = greatest(disputes.evidence_count, excluded.evidence_count),
    evidence_due_at = excluded.evidence_due_at,
    recovery = CASE
        WHEN disputes.recovery = 'none' THEN excluded.recovery
        WHEN disputes.recovery = 'wanted' AND excluded.status = 'won' THEN 'none'
        ELSE disputes.recovery
    END,
    closed_at = CASE WHEN excluded.closed_at IS NULL THEN NULL ELSE coalesce(disputes.closed_at, excluded.closed_at) END
