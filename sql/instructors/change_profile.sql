-- Writes what an instructor edits of their page, whole.
UPDATE instructors
SET headline = :headline,
    bio = :bio,
    languages = :languages,
    modalities = :modalities,
    home_lat = :home_lat,
    home_lon = :home_lon,
    travel_radius_km = :travel_radius_km,
    is_published = :is_published
WHERE id = :instructor_id
