-- What a cancellation of one of the viewer's bookings is judged by; nothing for strangers.
SELECT
    b.id AS booking_id,
    b.student_id,
    b.status,
    b.start_at,
    b.end_at,
    b.created_at,
    b.sticky_lead_seconds,
    p.authorized_at IS NOT NULL AS was_authorized,
    p.status AS payment_status,
    b.card_amount_cents,
    b.credit_applied_cents,
    b.instructor_amount_cents,
    EXISTS (
        SELECT FROM move_proposals m
        WHERE m.booking_id = b.id AND m.proposed_by = 'instructor' AND m.schedule_version = b.schedule_version
            AND m.state IN ('open', 'declined', 'expired')
    ) AS is_excused
FROM bookings b
JOIN payments p ON p.booking_id = b.id
WHERE b.id = :booking_id AND :viewer_id IN (b.student_id, b.instructor_id)
