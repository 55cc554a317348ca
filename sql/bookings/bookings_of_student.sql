-- A page of what a student booked, newest first, from below the cursor.
SELECT
    b.id,
    b.version,
    b.instructor_id,
    b.student_id,
    b.service_id,
    b.series_id,
    b.learner_id,
    b.start_at,
    b.end_at,
    b.time_zone,
    b.modality,
    b.status,
    b.outcome,
    p.status AS payment_status,
    b.price_cents,
    b.credit_applied_cents,
    b.card_amount_cents,
    b.platform_fee_cents,
    b.instructor_amount_cents,
    b.currency,
    -- kept in the row for life (limits count holds made), shown while it means something
    CASE WHEN b.status IN ('pending', 'expired') THEN b.hold_expires_at END AS hold_expires_at,
    b.created_at,
    b.cancelled_at,
    b.cancelled_by
FROM bookings b
JOIN payments p ON p.booking_id = b.id
WHERE b.student_id = :student_id AND (:before_id::uuid IS NULL OR b.id < :before_id)
ORDER BY b.id DESC
LIMIT :limit
