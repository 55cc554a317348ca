-- Promises a standard payout of an instructor, unless one is promised already.
INSERT INTO timings (id, kind, subject_id, booking_id, due_at, created_at)
VALUES (:timing_id, 'pay_out', :instructor_id, NULL, :due_at, :now)
ON CONFLICT (subject_id, kind) WHERE state IN ('scheduled', 'running') DO NOTHING
