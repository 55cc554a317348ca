-- Puts a running timing off after a failure and tells how many it has had.
UPDATE timings
SET state = 'scheduled', due_at = :due_at, beat_at = NULL, failures = failures + 1, last_error = :error
WHERE id = :timing_id AND state = 'running'
RETURNING failures
