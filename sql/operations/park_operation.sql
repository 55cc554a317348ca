-- Keeps an operation open whose outcome nobody knows.
UPDATE stripe_operations SET state = 'unknown', error_code = :error_code
WHERE id = :operation_id AND state IN ('planned', 'sent', 'unknown')
RETURNING id
