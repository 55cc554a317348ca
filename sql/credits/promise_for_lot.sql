-- Promises something for a lot at an instant.
INSERT INTO timings (id, kind, subject_id, booking_id, due_at, created_at)
VALUES (:timing_id, :kind, :lot_id, NULL, :due_at, :now)
ON CONFLICT (subject_id, kind) WHERE state IN ('scheduled', 'running') DO NOTHING
