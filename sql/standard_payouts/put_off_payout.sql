-- Puts a running payout off while the books differ; the attempt marks it for `resume_payouts`.
UPDATE timings
SET state = 'scheduled', due_at = :due_at, attempt = attempt + 1, beat_at = NULL
WHERE id = :timing_id AND state = 'running'
