-- Ends an open proposal: declined, or expired.
UPDATE move_proposals
SET state = :state, ended_at = :now
WHERE id = :proposal_id AND state = 'open'
RETURNING booking_id
