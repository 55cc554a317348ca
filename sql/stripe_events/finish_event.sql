-- Closes an event: worked, or quarantined with the reason.
UPDATE stripe_events SET
    state = :state, worked_at = :now, error = :error, attempts = attempts + 1
WHERE id = :event_id AND state = 'received'
