-- Says that the worker of a running timing lives, in real time; nothing when it runs no more.
UPDATE timings
SET beat_at = :wall_now
WHERE id = :timing_id AND state = 'running'
RETURNING true
