-- Promises of every kind, those made last first.
SELECT
    id, kind, subject_id, booking_id, cycle, due_at, state, attempt, failures, last_error, created_at, completed_at
FROM timings
WHERE (:kind::text IS NULL OR kind = :kind)
    AND (:state::text IS NULL OR state = :state)
    AND (:subject_id::uuid IS NULL OR subject_id = :subject_id)
    AND (:before_id::uuid IS NULL OR id < :before_id)
ORDER BY id DESC
LIMIT :most
