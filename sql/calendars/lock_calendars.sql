-- Locks calendars in the order of their ids and tells which version each has: the first lock of all.
SELECT instructor_id, version
FROM calendars
WHERE instructor_id = ANY(:instructor_ids::uuid[])
ORDER BY instructor_id
FOR NO KEY UPDATE
