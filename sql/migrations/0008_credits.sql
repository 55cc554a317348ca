-- Credit spent on bookings, credit given by admins, and what the platform pays instructors for it.
ALTER TABLE credit_lots
    ADD COLUMN reason text,
    ADD COLUMN granted_by uuid REFERENCES users (id),
    ADD COLUMN restored_from uuid REFERENCES credit_lots (id),
    ADD CONSTRAINT credit_lots_grant_something CHECK (granted_cents > 0);

CREATE TABLE credit_uses (
    booking_id uuid NOT NULL REFERENCES bookings (id),
    lot_id uuid NOT NULL REFERENCES credit_lots (id),
    amount_cents integer NOT NULL,
    state text NOT NULL DEFAULT 'reserved',
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (booking_id, lot_id),
    CONSTRAINT credit_uses_take_something CHECK (amount_cents > 0),
    CONSTRAINT credit_uses_state_is_known CHECK (state IN ('reserved', 'consumed', 'restored')),
    CONSTRAINT credit_uses_final_has_an_end CHECK ((state = 'reserved') = (ended_at IS NULL))
);
CREATE INDEX credit_uses_by_lot ON credit_uses (lot_id);

ALTER TABLE payments ADD COLUMN top_up_id text;

ALTER TABLE timings
    DROP CONSTRAINT timings_kind_is_known,
    ADD CONSTRAINT timings_kind_is_known CHECK (
        kind IN (
            'expire_hold', 'confirm', 'authorize', 'warn_payment', 'cancel_unpaid', 'start', 'complete', 'capture',
            'settle', 'top_up', 'expire_credit', 'remind_credit'
        )
    );

GRANT SELECT, INSERT, UPDATE ON credit_uses TO instainstru_app;
GRANT SELECT ON credit_uses TO instainstru_reads;
