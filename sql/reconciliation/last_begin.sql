-- When the latest run began, finished or not.
SELECT started_at, started_wall_at
FROM reconciliation_runs
ORDER BY started_wall_at DESC
LIMIT 1
