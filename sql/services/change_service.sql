-- Writes a changed service, whole; bookings keep the price they were made at.
UPDATE services
SET skill = :skill,
    title = :title,
    description = :description,
    hourly_rate_cents = :hourly_rate_cents,
    durations_minutes = :durations_minutes,
    modalities = :modalities,
    levels = :levels,
    age_groups = :age_groups
WHERE id = :service_id AND instructor_id = :instructor_id AND archived_at IS NULL
