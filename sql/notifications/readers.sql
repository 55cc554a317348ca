-- The people an event is for, as mail reaches them.
SELECT id AS user_id, email::text AS email, display_name, time_zone
FROM users
WHERE id = ANY (:user_ids::uuid[])
ORDER BY id
