-- Remembers that the telling of facts was begun.
UPDATE outbox
SET kicked_at = :now
WHERE id = ANY(:event_ids::uuid[]) AND published_at IS NULL
