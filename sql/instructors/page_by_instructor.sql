-- A page as everybody sees it, unpublished only for its owner: rounded places, services by price.
SELECT
    i.id,
    u.display_name,
    i.headline,
    i.bio,
    i.languages,
    i.modalities,
    CASE
        WHEN i.home_lat IS NOT NULL
            THEN jsonb_build_object('lat', round(i.home_lat::numeric, 2), 'lon', round(i.home_lon::numeric, 2))
    END AS home,
    i.travel_radius_km,
    c.time_zone,
    i.is_published AS published,
    i.is_published AND i.has_transfers AND i.has_payouts AND i.disabled_reason IS NULL
        AND s.services IS NOT NULL AS bookable,
    coalesce(s.services, '[]') AS services
FROM instructors i
JOIN users u ON u.id = i.id
JOIN calendars c ON c.instructor_id = i.id
LEFT JOIN LATERAL (
    SELECT
        jsonb_agg(
            jsonb_build_object(
                'id', v.id,
                'skill', v.skill,
                'title', v.title,
                'description', v.description,
                'hourly_rate_cents', v.hourly_rate_cents,
                'currency', :currency::text,
                'durations_minutes', v.durations_minutes,
                'modalities', v.modalities,
                'levels', v.levels,
                'age_groups', v.age_groups
            )
            ORDER BY v.hourly_rate_cents, v.id
        ) AS services
    FROM services v
    WHERE v.instructor_id = i.id AND v.archived_at IS NULL
) s ON true
WHERE i.id = :instructor_id AND (i.is_published OR i.id = :viewer_id::uuid)
