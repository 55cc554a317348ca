-- What happened to a booking, in order, for its student or its instructor.
SELECT
    e.id,
    e.booking_id,
    e.event,
    e.was,
    e.became,
    e.actor_kind,
    e.actor_id,
    e.cause,
    e.request_id,
    e.at
FROM booking_events e
JOIN bookings b ON b.id = e.booking_id
WHERE e.booking_id = :booking_id AND :viewer_id IN (b.student_id, b.instructor_id)
ORDER BY e.position
