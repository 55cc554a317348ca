-- Remembers that facts were told.
UPDATE outbox
SET published_at = :now
WHERE id = ANY(:event_ids::uuid[]) AND published_at IS NULL
