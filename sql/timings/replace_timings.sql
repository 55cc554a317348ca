-- Ends live timings that are not wanted any more, moves those whose instant is later, adds missing ones.
WITH subjects AS (
    SELECT s.id, s.kept_kind
    FROM unnest(:booking_ids::uuid[], :kept_kinds::text[]) AS s (id, kept_kind)
), wanted AS (
    SELECT w.id, w.subject_id, w.kind, w.due_at, w.attempt, w.cycle, w.schedule_version
    FROM unnest(
        :ids::uuid[], :subject_ids::uuid[], :kinds::text[], :due_ats::timestamptz[], :attempts::integer[],
        :cycles::integer[], :schedule_versions::integer[]
    ) AS w (id, subject_id, kind, due_at, attempt, cycle, schedule_version)
), ended AS (
    UPDATE timings t
    SET
        state = CASE WHEN t.kind = s.kept_kind THEN 'completed' ELSE 'cancelled' END,
        completed_at = :now
    FROM subjects s
    WHERE t.subject_id = s.id AND t.state IN ('scheduled', 'running')
        AND NOT EXISTS (SELECT FROM wanted w WHERE w.subject_id = t.subject_id AND w.kind = t.kind)
), moved AS (
    UPDATE timings t
    SET
        state = 'scheduled',
        due_at = w.due_at,
        attempt = w.attempt,
        cycle = w.cycle,
        schedule_version = w.schedule_version,
        beat_at = NULL
    FROM wanted w
    WHERE t.subject_id = w.subject_id AND t.kind = w.kind AND t.state IN ('scheduled', 'running')
        AND t.due_at <> w.due_at
        AND (w.due_at > :now OR t.schedule_version <> w.schedule_version)
)
INSERT INTO timings (id, kind, subject_id, booking_id, due_at, attempt, cycle, schedule_version, created_at)
SELECT w.id, w.kind, w.subject_id, w.subject_id, w.due_at, w.attempt, w.cycle, w.schedule_version, :now
FROM wanted w
WHERE NOT EXISTS (
    SELECT FROM timings t
    WHERE t.subject_id = w.subject_id AND t.kind = w.kind AND t.state IN ('scheduled', 'running')
)
ON CONFLICT (subject_id, kind) WHERE state IN ('scheduled', 'running') DO NOTHING
