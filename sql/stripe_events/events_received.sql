-- The webhook inbox, newest first, filtered.
SELECT
    id, type, account, object_id, api_version, state, attempts, received_at, next_attempt_at, worked_at,
    error AS reason
FROM stripe_events
WHERE (:state::text IS NULL OR state = :state)
    AND (:type::text IS NULL OR type = :type OR type LIKE :type || '.%')
    AND (:account::text IS NULL OR account = :account)
    AND (:object_id::text IS NULL OR object_id = :object_id)
    AND (:event_id::text IS NULL OR id = :event_id)
    AND (:from_at::timestamptz IS NULL OR received_at >= :from_at)
    AND (:to_at::timestamptz IS NULL OR received_at < :to_at)
    AND (:before_at::timestamptz IS NULL OR (received_at, id) < (:before_at, :before_id::text))
ORDER BY received_at DESC, id DESC
LIMIT :most
