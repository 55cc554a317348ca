-- The bookings a calendar changed after one version up to another: what each was before, and since when it was so.
WITH missed AS (
    SELECT booking_id, was, calendar_version, position, at, event
    FROM booking_events
    WHERE instructor_id = :instructor_id AND calendar_version > :after_version AND calendar_version <= :version
)
SELECT
    b.id AS booking_id,
    b.start_at,
    b.end_at,
    b.buffer_before_minutes,
    b.buffer_after_minutes,
    b.student_id,
    b.learner_id,
    e.was,
    s.steps,
    coalesce((
        SELECT max(k.at)
        FROM booking_events k
        WHERE k.instructor_id = :instructor_id AND k.calendar_version = (
            SELECT max(v.calendar_version)
            FROM booking_events v
            WHERE v.instructor_id = :instructor_id AND v.calendar_version <= :after_version
        )
    ), s.first_at) AS known_at,
    s.first_at AS missed_at
FROM (
    SELECT DISTINCT ON (m.booking_id) m.booking_id, m.was
    FROM missed m
    ORDER BY m.booking_id, m.calendar_version, m.position
) AS e
JOIN bookings b ON b.id = e.booking_id
CROSS JOIN (
    -- where a booking was before it moved is not kept: such steps cannot be replayed
    SELECT
        CASE WHEN bool_or(m.event = 'booking.moved') THEN 0 ELSE count(DISTINCT m.calendar_version) END AS steps,
        min(m.at) AS first_at
    FROM missed m
) AS s
ORDER BY b.start_at, b.id
