-- Raises a calendar's version because what it rests on changed (services, publication, account).
UPDATE calendars
SET version = version + 1
WHERE instructor_id = :instructor_id
RETURNING version
