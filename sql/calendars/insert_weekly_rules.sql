-- Writes an instructor's weekly openings.
INSERT INTO availability_rules (instructor_id, weekday, opens_minute, closes_minute)
SELECT :instructor_id, w.weekday, w.opens_minute, w.closes_minute
FROM unnest(:weekdays::smallint[], :opens_minutes::smallint[], :closes_minutes::smallint[])
    AS w (weekday, opens_minute, closes_minute)
