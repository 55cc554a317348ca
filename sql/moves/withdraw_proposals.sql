-- Ends the proposals that are open for bookings whose time has changed or that ask anew.
UPDATE move_proposals
SET state = 'withdrawn', ended_at = :now
WHERE booking_id = ANY(:booking_ids::uuid[]) AND state = 'open'
