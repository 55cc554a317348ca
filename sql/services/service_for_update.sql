-- Locks one of an instructor's own services to change it.
SELECT
    id, skill, title, description, hourly_rate_cents, :currency::text AS currency, durations_minutes, modalities,
    levels, age_groups
FROM services
WHERE id = :service_id AND instructor_id = :instructor_id AND archived_at IS NULL
FOR UPDATE
