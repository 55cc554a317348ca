-- What an instructor has been booked for: all that is ahead, and the latest of what is over.
WITH ahead AS (
    SELECT id
    FROM bookings
    WHERE instructor_id = :instructor_id
        AND (status = 'confirmed' AND end_at > :now)
    ORDER BY start_at
    LIMIT :most
),
-- a hold that came to nothing is no lesson; one that was lost or not paid is told
over AS (
    SELECT id
    FROM bookings
    WHERE instructor_id = :instructor_id
        AND (status IN ('completed', 'cancelled', 'expired', 'no_show') OR (status = 'confirmed' AND end_at <= :now))
        AND (confirmed_at IS NOT NULL OR outcome IN ('slot_lost', 'payment_failed'))
    ORDER BY start_at DESC
    LIMIT :most
)
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
WHERE id IN (SELECT id FROM ahead UNION ALL SELECT id FROM over)
ORDER BY start_at, id
