-- Gives an account one more role; the same role again changes nothing.
UPDATE users
SET roles = CASE WHEN :role::text = ANY (roles) THEN roles ELSE roles || :role::text END
WHERE id = :user_id
RETURNING id, email::text AS email, display_name, roles, time_zone, email_verified_at IS NOT NULL AS email_verified
