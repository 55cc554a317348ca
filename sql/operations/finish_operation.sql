-- Closes an open operation with its result.
UPDATE stripe_operations SET
    state = :state, finished_at = :now, error_code = :error_code, result = :result
WHERE id = :operation_id AND state IN ('planned', 'sent', 'unknown', 'parked')
RETURNING id
