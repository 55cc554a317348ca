-- Counts a vain try to tell a fact, and tells how many there were.
UPDATE outbox
SET failures = failures + 1
WHERE id = :event_id AND published_at IS NULL
RETURNING failures
