-- Instructors whose account may pay out and to whom no standard payout is promised.
SELECT i.id AS instructor_id, i.stripe_account_id
FROM instructors i
WHERE i.stripe_account_id IS NOT NULL AND i.has_payouts
    AND NOT EXISTS (
        SELECT 1 FROM timings t
        WHERE t.subject_id = i.id AND t.kind = 'pay_out' AND t.state IN ('scheduled', 'running')
    )
ORDER BY i.id
LIMIT :most
