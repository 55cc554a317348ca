-- Takes running timings back whose worker has given no sign of life in real time.
WITH silent AS (
    SELECT id
    FROM timings
    WHERE state = 'running' AND beat_at < :beat_before
    ORDER BY beat_at
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
UPDATE timings t
SET state = 'scheduled', beat_at = NULL
FROM silent
WHERE t.id = silent.id
RETURNING t.id, t.kind, t.subject_id, t.booking_id, t.cycle, t.schedule_version, t.due_at, t.state, t.attempt, t.failures
