-- The payment of a booking.
SELECT
    booking_id, version, status, cycle, attempt, is_on_session, payment_method_id, setup_intent_id,
    payment_intent_id, charge_id, transfer_id, application_fee_id, capture_before, authorized_at,
    captured_at, captured_cents, warned_at, decline_code, top_up_id,
    withheld_cents, to_reverse_cents
FROM payments
WHERE booking_id = :booking_id
