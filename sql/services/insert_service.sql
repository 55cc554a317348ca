-- Adds a service to what an instructor offers.
INSERT INTO services (
    id, instructor_id, skill, title, description, hourly_rate_cents, durations_minutes, modalities, levels, age_groups,
    created_at
)
VALUES (
    :service_id, :instructor_id, :skill, :title, :description, :hourly_rate_cents, :durations_minutes, :modalities,
    :levels, :age_groups, :now
)
