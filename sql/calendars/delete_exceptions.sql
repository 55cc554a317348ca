-- Removes the dates on which an instructor differs from the week, to write others.
DELETE FROM availability_exceptions
WHERE instructor_id = :instructor_id
