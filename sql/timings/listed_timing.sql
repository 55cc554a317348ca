-- One promise as admins see it.
SELECT
    id, kind, subject_id, booking_id, cycle, due_at, state, attempt, failures, last_error, created_at, completed_at
FROM timings
WHERE id = :timing_id
