-- An event that waits to reach people by mail.
SELECT id, topic, subject_id, user_ids, payload
FROM outbox
WHERE id = :event_id AND published_at IS NULL
