-- Accepts the proposals that a batch's moves fulfil; answers which of them were still open.
UPDATE move_proposals
SET state = 'accepted', ended_at = :now
WHERE id = ANY(:proposal_ids::uuid[]) AND state = 'open' AND expires_at > :now
RETURNING id
