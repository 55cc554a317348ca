-- Opens an empty calendar for a new instructor; one that is there already stays as it is.
INSERT INTO calendars (instructor_id, time_zone)
VALUES (:instructor_id, :time_zone)
ON CONFLICT (instructor_id) DO NOTHING
