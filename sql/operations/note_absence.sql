-- Notes that what an open operation should have moved is not seen; answers since when.
UPDATE stripe_operations SET absent_since = coalesce(absent_since, :wall_now)
WHERE id = :operation_id AND finished_at IS NULL
RETURNING absent_since
