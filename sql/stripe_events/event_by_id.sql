-- One stored event.
SELECT id, type, account, object_id, state, attempts, received_at, next_attempt_at
FROM stripe_events
WHERE id = :event_id
