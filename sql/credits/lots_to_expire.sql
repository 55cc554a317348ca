-- Safety net: lots that are over and that no timing will empty.
SELECT c.id
FROM credit_lots c
WHERE c.remaining_cents > 0 AND c.expires_at <= :now AND c.frozen_at IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM timings t
        WHERE t.subject_id = c.id AND t.kind = 'expire_credit' AND t.state IN ('scheduled', 'running')
    )
ORDER BY c.expires_at
LIMIT :most
