-- One incident of the books that is open, and stays so until this transaction ends; nothing when none is.
SELECT id
FROM reconciliation_incidents
WHERE closed_at IS NULL
LIMIT 1
FOR SHARE
