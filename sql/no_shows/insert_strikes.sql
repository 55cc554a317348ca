-- Notes what instructors have to answer for, once a lesson.
INSERT INTO strikes (booking_id, instructor_id, kind, at)
SELECT s.booking_id, s.instructor_id, s.kind, :now
FROM unnest(:booking_ids::uuid[], :instructor_ids::uuid[], :kinds::text[]) AS s (booking_id, instructor_id, kind)
ON CONFLICT (booking_id) DO NOTHING
