-- What a student has booked: all that is ahead or held, and the latest of what is over.
WITH ahead AS (
    SELECT id
    FROM bookings
    WHERE student_id = :student_id
        AND ((status = 'confirmed' AND end_at > :now) OR (status = 'pending' AND hold_expires_at > :now))
    ORDER BY start_at
    LIMIT :most
),
-- a hold that came to nothing is no lesson; one that was lost or not paid is told
over AS (
    SELECT id
    FROM bookings
    WHERE student_id = :student_id
        AND (status IN ('completed', 'cancelled', 'expired', 'no_show') OR (status = 'confirmed' AND end_at <= :now))
        AND (confirmed_at IS NOT NULL OR outcome IN ('slot_lost', 'payment_failed'))
    ORDER BY start_at DESC
    LIMIT :most
)
SELECT
    b.id,
    b.instructor_id,
    b.student_id,
    i.display_name AS instructor_name,
    s.display_name AS student_name,
    v.title,
    b.start_at,
    b.end_at,
    b.time_zone AS instructor_zone,
    b.modality,
    b.status,
    b.outcome,
    p.status AS payment_status,
    b.price_cents,
    b.instructor_amount_cents,
    b.currency,
    b.hold_expires_at,
    b.created_at,
    b.sticky_lead_seconds,
    p.authorized_at IS NOT NULL AS was_authorized,
    b.card_amount_cents,
    b.credit_applied_cents,
    coalesce((
        SELECT sum(r.amount_cents) FROM refunds r
        WHERE r.booking_id = b.id AND r.state IN ('pending', 'succeeded')
    ), 0)::integer AS refunded_cents,
    EXISTS (
        SELECT FROM move_proposals m
        WHERE m.booking_id = b.id AND m.proposed_by = 'instructor' AND m.schedule_version = b.schedule_version
            AND m.state IN ('open', 'declined', 'expired')
    ) AS is_excused
FROM bookings b
JOIN payments p ON p.booking_id = b.id
JOIN users i ON i.id = b.instructor_id
JOIN users s ON s.id = b.student_id
JOIN services v ON v.id = b.service_id
WHERE b.id IN (SELECT id FROM ahead UNION ALL SELECT id FROM over)
ORDER BY b.start_at, b.id
