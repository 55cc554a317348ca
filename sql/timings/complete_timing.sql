-- Marks a running timing as kept; nothing when its booking's own change has ended it before.
UPDATE timings
SET state = 'completed', completed_at = :now
WHERE id = :timing_id AND state = 'running'
RETURNING true
