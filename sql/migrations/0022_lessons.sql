-- A booking in the words people know it by, so that every statement tells the same of it.
CREATE VIEW lessons AS
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
    -- the instructor asked for another time than the present one and the student has not agreed
    EXISTS (
        SELECT FROM move_proposals m
        WHERE m.booking_id = b.id AND m.proposed_by = 'instructor'
            AND m.schedule_version = b.schedule_version
            AND m.state IN ('open', 'declined', 'expired')
    ) AS is_excused
FROM bookings b
JOIN payments p ON p.booking_id = b.id
JOIN users i ON i.id = b.instructor_id
JOIN users s ON s.id = b.student_id
JOIN services v ON v.id = b.service_id;

GRANT SELECT ON lessons TO instainstru_app, instainstru_reads;
