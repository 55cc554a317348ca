-- Promises a notice to those of these instructors who owe the platform, unless one is promised already.
INSERT INTO timings (id, kind, subject_id, booking_id, due_at, created_at)
SELECT g.timing_id, 'remind_debt', g.instructor_id, NULL, :due_at, :now
FROM unnest(:timing_ids::uuid[], :instructor_ids::uuid[]) AS g (timing_id, instructor_id)
JOIN ledger_balances b ON b.account = 'WAL:' || g.instructor_id
WHERE b.balance_cents > 0
ON CONFLICT (subject_id, kind) WHERE state IN ('scheduled', 'running') DO NOTHING
