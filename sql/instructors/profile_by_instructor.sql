-- An instructor's page as its owner edits it.
SELECT
    i.id,
    u.display_name,
    i.headline,
    i.bio,
    i.languages,
    i.modalities,
    CASE WHEN i.home_lat IS NOT NULL THEN jsonb_build_object('lat', i.home_lat, 'lon', i.home_lon) END AS home,
    i.travel_radius_km,
    i.is_published AS published
FROM instructors i
JOIN users u ON u.id = i.id
WHERE i.id = :instructor_id
