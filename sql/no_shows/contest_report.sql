-- Contests an open report: a person decides now.
UPDATE no_show_reports
SET state = 'contested', contested_at = :now
WHERE booking_id = :booking_id AND state = 'open'
RETURNING true
