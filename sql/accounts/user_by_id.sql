-- One account as its owner sees it.
SELECT id, email::text AS email, display_name, roles, time_zone, email_verified_at IS NOT NULL AS email_verified
FROM users
WHERE id = :user_id
