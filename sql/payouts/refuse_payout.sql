-- Ends a wish that Stripe refuses.
UPDATE payouts
SET state = 'refused', failure_code = :failure_code, finished_at = :now
WHERE id = :payout_id AND state = 'requested'
