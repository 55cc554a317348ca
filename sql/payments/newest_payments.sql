-- Payments of everybody, those of the latest bookings first.
SELECT
    p.booking_id, b.student_id, b.instructor_id, b.status AS booking_status, b.outcome, b.start_at, p.status,
    p.cycle, p.attempt, b.price_cents, b.credit_applied_cents, b.card_amount_cents, p.captured_cents, b.currency,
    p.payment_intent_id, p.charge_id, p.transfer_id, p.decline_code, p.capture_before, p.authorized_at,
    p.captured_at, p.updated_at
FROM payments p
JOIN bookings b ON b.id = p.booking_id
WHERE (:status::text IS NULL OR p.status = :status)
    AND (:user_id::uuid IS NULL OR :user_id IN (b.student_id, b.instructor_id))
    AND (:booking_id::uuid IS NULL OR p.booking_id = :booking_id)
    AND (:before_id::uuid IS NULL OR p.booking_id < :before_id)
ORDER BY p.booking_id DESC
LIMIT :most
