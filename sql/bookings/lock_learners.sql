-- Locks everybody these students book for, by id: the second lock; it orders a student's holds too.
SELECT id, student_id
FROM learners
WHERE student_id = ANY(:student_ids::uuid[])
ORDER BY id
FOR NO KEY UPDATE
