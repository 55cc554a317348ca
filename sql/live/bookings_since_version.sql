-- The bookings a calendar changed after one version up to another: what each was before, and by how many steps.
SELECT
    b.id AS booking_id,
    b.start_at,
    b.end_at,
    b.buffer_before_minutes,
    b.buffer_after_minutes,
    b.student_id,
    b.learner_id,
    e.was,
    e.steps
FROM (
    SELECT DISTINCT ON (o.booking_id)
        o.booking_id,
        o.was,
        (
            SELECT count(DISTINCT s.calendar_version)
            FROM booking_events s
            WHERE s.instructor_id = :instructor_id
                AND s.calendar_version > :after_version AND s.calendar_version <= :version
        ) AS steps
    FROM booking_events o
    WHERE o.instructor_id = :instructor_id
        AND o.calendar_version > :after_version AND o.calendar_version <= :version
    ORDER BY o.booking_id, o.calendar_version, o.position
) AS e
JOIN bookings b ON b.id = e.booking_id
ORDER BY b.start_at, b.id
