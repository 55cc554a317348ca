-- Raises the version of calendars that are locked and were found at the expected version, by one.
UPDATE calendars
SET version = version + 1
WHERE instructor_id = ANY(:instructor_ids::uuid[])
RETURNING instructor_id, version
