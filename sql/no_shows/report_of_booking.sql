-- The report about a lesson, if somebody made one.
SELECT
    booking_id, absent, state, reported_by, reported_at, upheld_at, contested_at, resolved_at, resolved_by
FROM no_show_reports
WHERE booking_id = :booking_id
