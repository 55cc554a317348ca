-- Shares that a capture could not pass on, transfers that the credit rule takes back, and since when accounts get any.
ALTER TABLE payments
    ADD COLUMN withheld_cents integer NOT NULL DEFAULT 0,
    ADD COLUMN to_reverse_cents integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT payments_withhold_no_less_than_nothing CHECK (withheld_cents >= 0 AND to_reverse_cents >= 0);
CREATE INDEX payments_to_reverse ON payments (booking_id) WHERE to_reverse_cents > 0;

ALTER TABLE instructors ADD COLUMN transfers_since timestamptz;
