-- Payouts about which a webhook may be lost: on their way for too long, or failed with their fee kept.
SELECT p.instructor_id, i.stripe_account_id, p.stripe_payout_id
FROM payouts p
JOIN instructors i ON i.id = p.instructor_id
WHERE p.stripe_payout_id IS NOT NULL AND i.stripe_account_id IS NOT NULL
    AND (
        (p.state = 'in_transit' AND p.arrival_at < :arrived_before)
        OR (p.state = 'failed' AND p.fee_refunded_cents < p.fee_cents AND p.finished_at > :failed_since)
    )
ORDER BY p.id
LIMIT :most
