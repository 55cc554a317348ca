-- What becomes of accounts at Stripe: instructors' restrictions, students' customers; and who is to be looked at.
ALTER TABLE instructors
    ADD COLUMN disabled_reason text,
    ADD COLUMN deadline_at timestamptz,
    ADD COLUMN deauthorized_at timestamptz,
    ADD CONSTRAINT instructors_deauthorized_receive_nothing CHECK (
        deauthorized_at IS NULL OR (NOT has_transfers AND NOT has_payouts)
    );

ALTER TABLE users ADD COLUMN stripe_customers_lost integer NOT NULL DEFAULT 0;

CREATE TABLE flags (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    kind text NOT NULL,
    booking_id uuid NOT NULL REFERENCES bookings (id),
    at timestamptz NOT NULL,
    CONSTRAINT flags_kind_is_known CHECK (kind IN ('late_without_authorization')),
    CONSTRAINT flags_one_a_booking UNIQUE (booking_id, kind)
);
CREATE INDEX flags_by_user ON flags (user_id, at);
CREATE INDEX flags_by_time ON flags (at, id);

GRANT SELECT, INSERT ON flags TO instainstru_app;
GRANT SELECT ON flags TO instainstru_reads;
