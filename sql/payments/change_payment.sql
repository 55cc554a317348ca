-- Writes a payment as money work has decided it, if nobody changed it meanwhile.
UPDATE payments SET
    version = version + 1,
    status = :status,
    cycle = :cycle,
    attempt = :attempt,
    is_on_session = :is_on_session,
    payment_method_id = :payment_method_id,
    setup_intent_id = :setup_intent_id,
    payment_intent_id = :payment_intent_id,
    charge_id = :charge_id,
    transfer_id = :transfer_id,
    application_fee_id = :application_fee_id,
    capture_before = :capture_before,
    authorized_at = :authorized_at,
    captured_at = :captured_at,
    captured_cents = :captured_cents,
    warned_at = :warned_at,
    decline_code = :decline_code,
    top_up_id = :top_up_id,
    withheld_cents = :withheld_cents,
    to_reverse_cents = :to_reverse_cents,
    updated_at = :now
WHERE booking_id = :booking_id AND version = :version
RETURNING version
