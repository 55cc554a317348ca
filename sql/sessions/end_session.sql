-- Ends a session and with it every token of its family; one that is over stays as it is.
UPDATE sessions
SET ended_at = :now, end_reason = :reason
WHERE id = :session_id AND ended_at IS NULL
