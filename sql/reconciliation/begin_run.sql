-- Notes that a run begins.
INSERT INTO reconciliation_runs (id, cause, started_at, started_wall_at)
VALUES (:run_id, :cause, :now, :wall_now)
