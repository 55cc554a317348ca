-- Closes incidents whose difference is gone; they stay as history.
UPDATE reconciliation_incidents SET closed_at = :now
WHERE id = ANY (:incident_ids::uuid[]) AND closed_at IS NULL
