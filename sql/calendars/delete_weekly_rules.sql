-- Removes an instructor's weekly openings, to write others.
DELETE FROM availability_rules
WHERE instructor_id = :instructor_id
