-- Notes that an incident is still there, and how large it is now.
UPDATE reconciliation_incidents SET seen_at = :now, difference_cents = :difference_cents
WHERE id = :incident_id
