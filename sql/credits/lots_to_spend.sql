-- Credit that these students can spend now, locked by id.
SELECT id, user_id, remaining_cents, expires_at
FROM credit_lots
WHERE user_id = ANY(:user_ids::uuid[]) AND remaining_cents > 0 AND expires_at > :now AND frozen_at IS NULL
ORDER BY id
FOR NO KEY UPDATE
