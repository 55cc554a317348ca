-- What an instructor set: weekly rules, exceptions and policy, with the version of just these.
SELECT
    c.rules_version AS version,
    jsonb_build_object(
        'policy', jsonb_build_object(
            'time_zone', c.time_zone,
            'grid_minutes', c.grid_minutes,
            'buffer_before_minutes', c.buffer_before_minutes,
            'buffer_after_minutes', c.buffer_after_minutes,
            'minimum_notice_minutes', c.minimum_notice_minutes,
            'horizon_days', c.horizon_days,
            'lessons_per_day_max', c.lessons_per_day_max,
            'minutes_per_week_max', c.minutes_per_week_max,
            'is_tight', c.is_tight,
            'approval', c.approval
        ),
        'weekly', coalesce((
            SELECT jsonb_agg(jsonb_build_object(
                'weekday', r.weekday, 'opens_minute', r.opens_minute, 'closes_minute', r.closes_minute
            ) ORDER BY r.weekday, r.opens_minute)
            FROM availability_rules r
            WHERE r.instructor_id = c.instructor_id
        ), '[]'),
        'exceptions', coalesce((
            SELECT jsonb_agg(jsonb_build_object(
                'exception_on', e.exception_on,
                'windows', coalesce((
                    SELECT jsonb_agg(jsonb_build_object('opens_minute', w.opens, 'closes_minute', w.closes) ORDER BY w.opens)
                    FROM unnest(e.opens_minutes, e.closes_minutes) AS w (opens, closes)
                ), '[]')
            ) ORDER BY e.exception_on)
            FROM availability_exceptions e
            WHERE e.instructor_id = c.instructor_id
        ), '[]')
    ) AS rules
FROM calendars c
WHERE c.instructor_id = :instructor_id
