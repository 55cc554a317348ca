-- Keeps an operation open whose outcome nobody knows; who waits for a person stays that way.
UPDATE stripe_operations SET state = :state, error_code = :error_code
WHERE id = :operation_id AND state IN ('planned', 'sent', 'unknown')
RETURNING id
