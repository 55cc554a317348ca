-- One lot of credit as admins see it.
SELECT
    id, user_id, source, booking_id, granted_cents, remaining_cents, currency, created_at, expires_at, expired_at,
    reason, granted_by, restored_from, frozen_at, voided_at
FROM credit_lots
WHERE id = :lot_id
