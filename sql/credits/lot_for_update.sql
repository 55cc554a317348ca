-- One lot of credit that is not frozen, locked.
SELECT
    id, user_id, source, booking_id, granted_cents, remaining_cents, currency, created_at, expires_at
FROM credit_lots
WHERE id = :lot_id AND frozen_at IS NULL
FOR UPDATE
