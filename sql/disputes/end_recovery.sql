-- Tells that what lost disputes took has been taken back, or never will be.
UPDATE disputes
SET recovery = :recovery
WHERE booking_id = :booking_id AND recovery = 'wanted'
