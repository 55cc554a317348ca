-- One run, finished or not.
SELECT
    id, cause, started_at, started_wall_at, finished_at, accounts, unseen_accounts, unseen_checks, ingested, posted,
    differences, available_cents
FROM reconciliation_runs
WHERE id = :run_id
