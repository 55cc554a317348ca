-- Ends a timing that is not wanted any more.
UPDATE timings
SET state = 'cancelled', completed_at = :now
WHERE id = :timing_id AND state IN ('scheduled', 'running')
RETURNING true
