-- Services of bookable instructors that fit a search, best match first, one page of them.
SELECT
    i.id AS instructor_id,
    u.display_name,
    i.headline,
    c.time_zone,
    v.id AS service_id,
    v.skill,
    k.name AS skill_name,
    v.title,
    v.hourly_rate_cents,
    v.durations_minutes,
    v.modalities,
    m.rank
FROM services v
JOIN instructors i ON i.id = v.instructor_id
JOIN users u ON u.id = i.id
JOIN calendars c ON c.instructor_id = i.id
JOIN skills k ON k.slug = v.skill
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN :text::text IS NULL OR lower(k.name) = :text OR v.skill = :text THEN 3
            WHEN k.name ILIKE :pattern OR v.title ILIKE :pattern THEN 2
            ELSE 1
        END AS rank
) m
WHERE v.archived_at IS NULL
    AND i.is_published
    AND i.has_transfers
    AND i.has_payouts
    AND i.disabled_reason IS NULL
    AND (:skill::text IS NULL OR v.skill = :skill)
    AND (:max_hourly_rate_cents::integer IS NULL OR v.hourly_rate_cents <= :max_hourly_rate_cents)
    AND (:modality::text IS NULL OR :modality = ANY (v.modalities))
    AND (
        :text::text IS NULL
        OR k.name ILIKE :pattern
        OR k.category ILIKE :pattern
        OR v.title ILIKE :pattern
        OR u.display_name ILIKE :pattern
        OR i.headline ILIKE :pattern
    )
    AND (
        :before_rank::integer IS NULL
        OR m.rank < :before_rank
        OR (m.rank = :before_rank AND v.id > :after_id::uuid)
    )
ORDER BY m.rank DESC, v.id
LIMIT :most
