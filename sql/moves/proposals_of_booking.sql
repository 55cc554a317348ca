-- Every proposal to move a booking, the open one first, then newest first.
SELECT
    p.id, p.booking_id, p.proposed_by, p.start_at, p.end_at, p.reason,
    CASE WHEN p.state = 'open' AND p.expires_at <= :now THEN 'expired' ELSE p.state END AS state,
    p.schedule_version, p.created_at, p.expires_at, p.ended_at
FROM move_proposals p
WHERE p.booking_id = :booking_id
ORDER BY p.state = 'open' DESC, p.created_at DESC, p.id DESC
