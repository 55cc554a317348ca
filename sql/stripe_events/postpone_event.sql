-- Tries an event again later.
UPDATE stripe_events SET
    next_attempt_at = :next_attempt_at, error = :error, attempts = attempts + 1
WHERE id = :event_id AND state = 'received'
