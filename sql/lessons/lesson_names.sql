-- What a viewer's lessons are called, and who teaches them.
SELECT id, title, instructor_name
FROM lessons
WHERE id = ANY(:booking_ids) AND :viewer_id IN (student_id, instructor_id)
