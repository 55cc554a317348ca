-- Locks calendars, then everybody these students book for, each by id: the first two locks of all.
WITH locked_calendars AS MATERIALIZED (
    SELECT instructor_id, version
    FROM calendars
    WHERE instructor_id = ANY(:instructor_ids::uuid[])
    ORDER BY instructor_id
    FOR NO KEY UPDATE
), locked_learners AS MATERIALIZED (
    SELECT id, student_id
    FROM learners
    -- the calendars are counted, and so locked, before the first learner is read
    WHERE (SELECT count(*) FROM locked_calendars) >= 0 AND student_id = ANY(:student_ids::uuid[])
    ORDER BY id
    FOR NO KEY UPDATE
)
SELECT c.instructor_id AS id, c.version, NULL::uuid AS student_id
FROM locked_calendars c
UNION ALL
SELECT l.id, NULL, l.student_id
FROM locked_learners l
