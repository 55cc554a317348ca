-- Credit of everybody or of one student, newest first, for admins.
SELECT
    id, user_id, source, booking_id, granted_cents, remaining_cents, currency, created_at, expires_at, expired_at,
    reason, granted_by, restored_from, frozen_at, voided_at
FROM credit_lots
WHERE id < :before_id AND (:user_id::uuid IS NULL OR user_id = :user_id)
ORDER BY id DESC
LIMIT :limit
