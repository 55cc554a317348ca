-- What a cancellation of one of the viewer's bookings is judged by; nothing for strangers.
SELECT
    id AS booking_id,
    student_id,
    status,
    start_at,
    end_at,
    created_at,
    sticky_lead_seconds,
    was_authorized,
    payment_status,
    card_amount_cents,
    credit_applied_cents,
    instructor_amount_cents,
    is_excused
FROM lessons
WHERE id = :booking_id AND :viewer_id IN (student_id, instructor_id)
