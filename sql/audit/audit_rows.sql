-- The audit trail, newest first: what happened to bookings and their money, and what admins did.
WITH of_bookings AS (
    SELECT id, at, event, booking_id, actor_kind, actor_id, cause, was, became, request_id, details
    FROM booking_events
    WHERE (:booking_id::uuid IS NULL OR booking_id = :booking_id)
        AND (:actor_id::uuid IS NULL OR actor_id = :actor_id)
        AND (:actor_kind::text IS NULL OR actor_kind = :actor_kind)
        AND (:event::text IS NULL OR event = :event OR event LIKE :event || '.%')
        AND (:request_id::text IS NULL OR request_id = :request_id)
        AND (:from_at::timestamptz IS NULL OR at >= :from_at)
        AND (:to_at::timestamptz IS NULL OR at < :to_at)
        AND (:before_at::timestamptz IS NULL OR (at, id) < (:before_at, :before_id::uuid))
    ORDER BY at DESC, id DESC
    LIMIT :most
), of_admins AS (
    SELECT
        id, at, action AS event, NULL::uuid AS booking_id, 'admin' AS actor_kind, actor_id, subject AS cause,
        NULL::text AS was, NULL::text AS became, request_id, details
    FROM admin_actions
    WHERE :booking_id::uuid IS NULL
        AND (:actor_id::uuid IS NULL OR actor_id = :actor_id)
        AND coalesce(:actor_kind, 'admin') = 'admin'
        AND (:event::text IS NULL OR action = :event OR action LIKE :event || '.%')
        AND (:request_id::text IS NULL OR request_id = :request_id)
        AND (:from_at::timestamptz IS NULL OR at >= :from_at)
        AND (:to_at::timestamptz IS NULL OR at < :to_at)
        AND (:before_at::timestamptz IS NULL OR (at, id) < (:before_at, :before_id::uuid))
    ORDER BY at DESC, id DESC
    LIMIT :most
), both_trails AS (
    SELECT id, at, event, booking_id, actor_kind, actor_id, cause, was, became, request_id, details FROM of_bookings
    UNION ALL
    SELECT id, at, event, booking_id, actor_kind, actor_id, cause, was, became, request_id, details FROM of_admins
)
SELECT id, at, event, booking_id, actor_kind, actor_id, cause, was, became, request_id, details
FROM both_trails
ORDER BY at DESC, id DESC
LIMIT :most
