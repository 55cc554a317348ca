-- Lets a timing be tried at once that was given up, or that failed and waits; nothing for any other.
UPDATE timings t
SET state = 'scheduled', due_at = :now, failures = 0, beat_at = NULL, completed_at = NULL
WHERE t.id = :timing_id
    AND (t.state = 'discarded' OR (t.state = 'scheduled' AND t.failures > 0))
    AND NOT EXISTS (
        SELECT FROM timings o
        WHERE o.subject_id = t.subject_id AND o.kind = t.kind AND o.id <> t.id
            AND o.state IN ('scheduled', 'running')
    )
RETURNING t.state
