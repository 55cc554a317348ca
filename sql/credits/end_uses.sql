-- Ends what a booking has taken, as used or given back.
UPDATE credit_uses
SET state = :became, ended_at = :now
WHERE booking_id = :booking_id AND state = :was
