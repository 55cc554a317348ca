-- The versions some calendars have now, to find live copies that missed a hint.
SELECT instructor_id, version
FROM calendars
WHERE instructor_id = ANY(:instructor_ids::uuid[])
