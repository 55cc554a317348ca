-- Ends a refund that Stripe refuses to make.
UPDATE refunds
SET state = 'refused', failure_reason = :failure_reason, finished_at = :now
WHERE id = :refund_id AND state = 'planned'
RETURNING cause
