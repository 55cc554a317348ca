-- Puts events back to be worked again, as if they had just come; those still waiting are due at once.
UPDATE stripe_events SET
    state = 'received', attempts = 0, next_attempt_at = :now, worked_at = NULL
WHERE id = ANY (:event_ids::text[])
RETURNING id
