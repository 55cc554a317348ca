-- Adds a learner of a student; a learner who is there already stays as they are.
INSERT INTO learners (id, student_id, display_name, created_at)
VALUES (:learner_id, :student_id, :display_name, :now)
ON CONFLICT (id) DO NOTHING
