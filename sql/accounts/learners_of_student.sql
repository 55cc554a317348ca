-- Everybody a student books for; the student comes first.
SELECT id, display_name, created_at
FROM learners
WHERE student_id = :student_id
ORDER BY id <> student_id, created_at, id
