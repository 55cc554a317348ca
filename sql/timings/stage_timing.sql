-- Promises one thing for a booking, unless the same is promised already.
INSERT INTO timings (id, kind, subject_id, booking_id, due_at, created_at)
VALUES (:timing_id, :kind, :booking_id, :booking_id, :due_at, :now)
ON CONFLICT (subject_id, kind) WHERE state IN ('scheduled', 'running') DO NOTHING
