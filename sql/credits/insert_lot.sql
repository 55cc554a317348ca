-- Gives a student credit; a second one from the same cause is left out.
INSERT INTO credit_lots (
    id, user_id, source, booking_id, granted_cents, remaining_cents, currency, created_at, expires_at,
    reason, granted_by
) VALUES (
    :lot_id, :user_id, :source, :booking_id, :granted_cents, :remaining_cents, :currency, :created_at,
    :expires_at, :reason, :granted_by
)
ON CONFLICT DO NOTHING
RETURNING id
