-- Keeps a report that somebody did not come: one for a lesson's life.
INSERT INTO no_show_reports (booking_id, absent, reported_by, reported_at, upheld_at)
VALUES (:booking_id, :absent, :reported_by, :now, :upheld_at)
ON CONFLICT (booking_id) DO NOTHING
RETURNING true
