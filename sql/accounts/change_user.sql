-- Changes what its owner may change of an account; null keeps the old value.
UPDATE users
SET display_name = coalesce(:display_name::text, display_name), time_zone = coalesce(:time_zone::text, time_zone)
WHERE id = :user_id
RETURNING id, email::text AS email, display_name, roles, time_zone, email_verified_at IS NOT NULL AS email_verified
