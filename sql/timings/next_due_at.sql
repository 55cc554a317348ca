-- When the next timing is due; nothing when there is none.
SELECT min(due_at)
FROM timings
WHERE state = 'scheduled'
