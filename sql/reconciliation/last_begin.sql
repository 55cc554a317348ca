-- When the latest run of one cause began, or of any, finished or not.
SELECT started_at, started_wall_at
FROM reconciliation_runs
WHERE :cause::text IS NULL OR cause = :cause
ORDER BY started_wall_at DESC
LIMIT 1
