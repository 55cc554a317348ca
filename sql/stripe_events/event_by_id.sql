-- One stored event.
SELECT id, type, account, object_id, state, attempts, next_attempt_at
FROM stripe_events
WHERE id = :event_id
