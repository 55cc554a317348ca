-- Facts to be told now, oldest first: fresh ones, and those whose mail has been missing for too long.
SELECT position, id, topic, subject_id, user_ids, payload, created_at, failures
FROM outbox
WHERE published_at IS NULL AND (kicked_at IS NULL OR kicked_at < :kicked_before)
ORDER BY position
LIMIT :limit
