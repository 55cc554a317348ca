-- Keeps a wish for another time that the other side has to agree to; the same id again changes nothing.
INSERT INTO move_proposals (
    id, booking_id, proposed_by, start_at, end_at, reason, schedule_version, created_at, expires_at
)
SELECT :proposal_id, b.id, :proposed_by, :start_at::timestamptz, :start_at::timestamptz + (b.end_at - b.start_at), :reason, b.schedule_version, :now, :expires_at
FROM bookings b
WHERE b.id = :booking_id
ON CONFLICT (id) DO NOTHING
