-- Gives credit back as a lot of its own, with a later end than the one it came from.
INSERT INTO credit_lots (
    id, user_id, source, booking_id, granted_cents, remaining_cents, currency, created_at, expires_at,
    restored_from, frozen_at
)
SELECT :new_id, c.user_id, c.source, NULL, :cents, :cents, c.currency, :now, :expires_at, c.id, c.frozen_at
FROM credit_lots c
WHERE c.id = :lot_id
