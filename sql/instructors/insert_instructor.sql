-- Opens an instructor's page, empty and unpublished; one that is there stays as it is.
INSERT INTO instructors (id, created_at)
VALUES (:instructor_id, :now)
ON CONFLICT (id) DO NOTHING
