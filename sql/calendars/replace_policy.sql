-- Replaces a calendar's policy and raises the version of its rules.
UPDATE calendars
SET
    rules_version = rules_version + 1,
    time_zone = :time_zone,
    grid_minutes = :grid_minutes,
    buffer_before_minutes = :buffer_before_minutes,
    buffer_after_minutes = :buffer_after_minutes,
    minimum_notice_minutes = :minimum_notice_minutes,
    horizon_days = :horizon_days,
    lessons_per_day_max = :lessons_per_day_max,
    minutes_per_week_max = :minutes_per_week_max,
    is_tight = :is_tight,
    approval = :approval
WHERE instructor_id = :instructor_id
