-- One timing, locked; who locks its booking too does that first.
SELECT id, kind, subject_id, booking_id, cycle, schedule_version, due_at, state, attempt, failures
FROM timings
WHERE id = :timing_id
FOR UPDATE
