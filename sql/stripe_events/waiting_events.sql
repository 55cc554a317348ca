-- Stored events that are to be worked now, in the order they came.
SELECT id, attempts
FROM stripe_events
WHERE state = 'received' AND next_attempt_at <= :now
ORDER BY received_at, id
LIMIT :most
