-- The card each of some users saved last, leaving out refused ones; nothing of those who have none.
SELECT u.user_id, m.id
FROM unnest(:user_ids::uuid[]) AS u (user_id)
CROSS JOIN LATERAL (
    SELECT p.id
    FROM payment_methods p
    WHERE p.user_id = u.user_id AND p.detached_at IS NULL AND p.refused_at IS NULL
    ORDER BY p.created_at DESC, p.id DESC
    LIMIT 1
) AS m
