-- Wishes for a refund; the booking's one wish at a time.
INSERT INTO refunds (id, booking_id, amount_cents, currency, reverses_transfer, cause, reason, requested_by, created_at)
VALUES (:refund_id, :booking_id, :amount_cents, :currency, :reverses_transfer, :cause, :reason, :requested_by, :now)
ON CONFLICT (booking_id) WHERE state = 'planned' DO NOTHING
