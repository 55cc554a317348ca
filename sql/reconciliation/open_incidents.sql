-- Incidents that are not over.
SELECT id, check_name AS check, subject, account
FROM reconciliation_incidents
WHERE closed_at IS NULL
ORDER BY opened_at, id
