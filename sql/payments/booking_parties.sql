-- Who takes part in a booking.
SELECT id AS booking_id, instructor_id, student_id, status, hold_expires_at
FROM bookings
WHERE id = :booking_id
