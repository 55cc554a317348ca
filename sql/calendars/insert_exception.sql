-- Writes one date's own windows; none of them closes the date.
INSERT INTO availability_exceptions (instructor_id, exception_on, opens_minutes, closes_minutes)
VALUES (:instructor_id, :exception_on, :opens_minutes::smallint[], :closes_minutes::smallint[])
