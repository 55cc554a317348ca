-- Keeps that money is reserved, once a cycle.
INSERT INTO authorizations (
    booking_id, cycle, payment_intent_id, amount_cents, currency, authorized_at, capture_before
) VALUES (
    :booking_id, :cycle, :payment_intent_id, :amount_cents, :currency, :authorized_at, :capture_before
)
ON CONFLICT (booking_id, cycle) DO NOTHING
