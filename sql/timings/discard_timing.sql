-- Gives a timing up: a person must look.
UPDATE timings
SET state = 'discarded', completed_at = :now, failures = failures + 1, last_error = :error
WHERE id = :timing_id AND state IN ('scheduled', 'running')
RETURNING true
