-- Whether the instructor asked for another time than the present one and the student has not agreed.
SELECT EXISTS (
    SELECT FROM move_proposals p
    JOIN bookings b ON b.id = p.booking_id
    WHERE p.booking_id = :booking_id AND p.proposed_by = 'instructor' AND p.schedule_version = b.schedule_version
        AND p.state IN ('open', 'declined', 'expired')
) AS is_excused
