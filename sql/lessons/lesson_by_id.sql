-- One lesson in the words people know it by, for its student or its instructor.
SELECT
    id,
    instructor_id,
    student_id,
    instructor_name,
    student_name,
    title,
    start_at,
    end_at,
    instructor_zone,
    modality,
    status,
    outcome,
    payment_status,
    price_cents,
    instructor_amount_cents,
    currency,
    hold_expires_at,
    created_at,
    sticky_lead_seconds,
    was_authorized,
    card_amount_cents,
    credit_applied_cents,
    refunded_cents,
    is_excused
FROM lessons
WHERE id = :booking_id AND :viewer_id IN (student_id, instructor_id)
