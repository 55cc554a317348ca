-- Keeps how a cycle's reserved money ended: captured, credited, released or lost.
UPDATE authorizations SET ended_at = :now, end_reason = :end_reason
WHERE booking_id = :booking_id AND cycle = :cycle AND ended_at IS NULL
