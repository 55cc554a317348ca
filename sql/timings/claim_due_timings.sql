-- Takes timings that are due, earliest first, past those that another clock is taking.
WITH due AS (
    SELECT id
    FROM timings
    WHERE state = 'scheduled' AND due_at <= :now
    ORDER BY due_at, kind, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE timings t
    SET state = 'running', beat_at = :wall_now
    FROM due
    WHERE t.id = due.id
    RETURNING t.id, t.kind, t.subject_id, t.booking_id, t.cycle, t.schedule_version, t.due_at, t.state, t.attempt, t.failures
)
SELECT id, kind, subject_id, booking_id, cycle, schedule_version, due_at, state, attempt, failures
FROM claimed
ORDER BY due_at, kind, id
