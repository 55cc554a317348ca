-- A booking as its calendar decides about it, also one that blocks nothing any more.
SELECT
    b.id AS booking_id,
    b.start_at,
    b.end_at,
    b.buffer_before_minutes,
    b.buffer_after_minutes,
    b.status,
    b.hold_expires_at,
    b.student_id,
    b.learner_id,
    b.created_at,
    b.started_at,
    b.sticky_lead_seconds,
    b.modality,
    b.original_start_at,
    b.moves,
    b.late_moves,
    b.outcome,
    (
        SELECT (e.details ->> 'command_id')::uuid
        FROM booking_events e
        WHERE e.booking_id = b.id AND e.calendar_version IS NOT NULL
        ORDER BY e.position DESC
        LIMIT 1
    ) AS last_command_id
FROM bookings b
WHERE b.id = :booking_id AND b.instructor_id = :instructor_id
