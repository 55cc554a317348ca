-- One calendar whole, from one snapshot: version, rules, services, and the bookings that count.
SELECT
    c.instructor_id,
    c.version,
    c.rules_version,
    i.is_published AND i.has_transfers AND i.has_payouts AND i.disabled_reason IS NULL AND EXISTS (
        SELECT FROM services s WHERE s.instructor_id = c.instructor_id AND s.archived_at IS NULL
    ) AS is_bookable,
    i.stripe_account_id,
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
    ) AS rules,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object(
            'id', s.id,
            'hourly_rate_cents', s.hourly_rate_cents,
            'durations_minutes', s.durations_minutes,
            'modalities', s.modalities
        ) ORDER BY s.id)
        FROM services s
        WHERE s.instructor_id = c.instructor_id AND s.archived_at IS NULL
    ), '[]') AS services,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object(
            'booking_id', b.id,
            'start_at', b.start_at,
            'end_at', b.end_at,
            'buffer_before_minutes', b.buffer_before_minutes,
            'buffer_after_minutes', b.buffer_after_minutes,
            'status', b.status,
            'hold_expires_at', b.hold_expires_at,
            'student_id', b.student_id,
            'learner_id', b.learner_id,
            'created_at', b.created_at,
            'started_at', b.started_at,
            'sticky_lead_seconds', b.sticky_lead_seconds,
            'modality', b.modality,
            'original_start_at', b.original_start_at,
            'moves', b.moves,
            'late_moves', b.late_moves
        ) ORDER BY b.start_at, b.id)
        FROM (
            -- the exclusion constraint's own index serves the first part
            SELECT
                id, start_at, end_at, buffer_before_minutes, buffer_after_minutes, status, hold_expires_at,
                student_id, learner_id, created_at, started_at, sticky_lead_seconds, modality, original_start_at, moves,
                late_moves
            FROM bookings a
            WHERE a.instructor_id = c.instructor_id AND a.status IN ('pending', 'confirmed')
            UNION ALL
            SELECT
                id, start_at, end_at, buffer_before_minutes, buffer_after_minutes, status, hold_expires_at,
                student_id, learner_id, created_at, started_at, sticky_lead_seconds, modality, original_start_at, moves,
                late_moves
            FROM bookings t
            WHERE t.instructor_id = c.instructor_id AND t.status IN ('completed', 'no_show')
                AND t.start_at > :now::timestamptz - interval '8 days'
        ) AS b
    ), '[]') AS bookings
FROM calendars c
JOIN instructors i ON i.id = c.instructor_id
WHERE c.instructor_id = :instructor_id
