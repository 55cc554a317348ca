-- What a mail tells of a booking, as it is now.
SELECT
    b.id AS booking_id, b.status, b.outcome, p.status AS payment_status, b.start_at, b.end_at,
    b.student_id, s.display_name AS student_name, b.instructor_id, i.display_name AS instructor_name,
    v.title, b.price_cents, b.card_amount_cents, b.instructor_amount_cents, b.currency
FROM bookings b
JOIN payments p ON p.booking_id = b.id
JOIN users s ON s.id = b.student_id
JOIN users i ON i.id = b.instructor_id
JOIN services v ON v.id = b.service_id
WHERE b.id = :booking_id
