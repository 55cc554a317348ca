-- Promises that a proposal ends.
INSERT INTO timings (id, kind, subject_id, booking_id, due_at, created_at)
VALUES (:timing_id, 'expire_proposal', :proposal_id, :booking_id, :due_at, :now)
ON CONFLICT (subject_id, kind) WHERE state IN ('scheduled', 'running') DO NOTHING
