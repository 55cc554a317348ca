-- Decides a report that is not decided yet; without a person because nobody contested it.
UPDATE no_show_reports
SET state = :state, resolved_at = :now, resolved_by = :resolved_by
WHERE booking_id = :booking_id AND state IN ('open', 'contested')
RETURNING true
