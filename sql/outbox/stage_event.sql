-- Writes one fact to be told after this transaction commits.
INSERT INTO outbox (id, topic, subject_id, user_ids, payload, created_at)
VALUES (:event_id, :topic, :subject_id, :user_ids, :payload, :now)
