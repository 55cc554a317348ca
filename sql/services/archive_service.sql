-- Takes a service out of the offer; lessons booked before stay as they are.
UPDATE services
SET archived_at = :now
WHERE id = :service_id AND instructor_id = :instructor_id AND archived_at IS NULL
RETURNING id
