-- What admins should look at about students, newest first.
SELECT
    f.id, f.user_id, u.display_name, f.kind, f.booking_id, f.at,
    (SELECT count(*) FROM flags o WHERE o.user_id = f.user_id)::integer AS flags_of_user
FROM flags f
JOIN users u ON u.id = f.user_id
WHERE (:kind::text IS NULL OR f.kind = :kind)
    AND (:user_id::uuid IS NULL OR f.user_id = :user_id)
    AND (:before_at::timestamptz IS NULL OR (f.at, f.id) < (:before_at, :before_id::uuid))
ORDER BY f.at DESC, f.id DESC
LIMIT :most
