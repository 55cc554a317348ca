-- What an instructor offers, oldest first.
SELECT
    id, skill, title, description, hourly_rate_cents, :currency::text AS currency, durations_minutes, modalities,
    levels, age_groups
FROM services
WHERE instructor_id = :instructor_id AND archived_at IS NULL
ORDER BY id
