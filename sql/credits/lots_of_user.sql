-- A student's credit that can be spent now, what expires first on top.
SELECT id, remaining_cents, expires_at, source
FROM credit_lots
WHERE user_id = :user_id AND remaining_cents > 0 AND expires_at > :now AND frozen_at IS NULL
ORDER BY expires_at, id
LIMIT 1000
