-- Lets payouts go that were put off, once no incident is open any more; returns them.
UPDATE timings
SET due_at = :now
WHERE kind = 'pay_out' AND state = 'scheduled' AND attempt > 0
    AND NOT EXISTS (SELECT 1 FROM reconciliation_incidents WHERE closed_at IS NULL)
RETURNING id
