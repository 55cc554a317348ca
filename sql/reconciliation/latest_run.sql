-- The latest run that came to its end.
SELECT
    id, cause, started_at, started_wall_at, finished_at, accounts, unseen_accounts, unseen_checks, ingested, posted,
    differences, available_cents
FROM reconciliation_runs
WHERE finished_at IS NOT NULL
ORDER BY started_wall_at DESC
LIMIT 1
