-- Puts a running timing off to a later instant; not a failure, and no attempt is counted.
UPDATE timings
SET state = 'scheduled', due_at = :due_at, beat_at = NULL
WHERE id = :timing_id AND state = 'running'
RETURNING true
