-- The held time that a student should finish booking next, if there is one.
SELECT b.id AS booking_id, b.instructor_id, u.display_name AS instructor_name, b.start_at, b.hold_expires_at AS expires_at
FROM bookings b
JOIN users u ON u.id = b.instructor_id
WHERE b.student_id = :student_id AND b.status = 'pending' AND b.hold_expires_at > :now
ORDER BY b.hold_expires_at
LIMIT 1
