-- Standard payouts that we make ourselves, notices to instructors who owe, and the float at Stripe.
ALTER TABLE timings
    DROP CONSTRAINT timings_kind_is_known,
    ADD CONSTRAINT timings_kind_is_known CHECK (
        kind IN (
            'expire_hold', 'confirm', 'authorize', 'warn_payment', 'cancel_unpaid', 'start', 'complete', 'capture', 'settle', 'top_up',
            'expire_credit', 'remind_credit', 'expire_proposal', 'uphold_no_show', 'guard_authorization', 'write_off', 'pay_out', 'remind_debt'
        )
    );

-- one wish of an instructor at a time, whoever wishes
DROP INDEX payouts_one_requested;
CREATE UNIQUE INDEX payouts_one_requested ON payouts (instructor_id) WHERE state = 'requested';
CREATE INDEX payouts_unsettled ON payouts (instructor_id, id) WHERE state IN ('in_transit', 'failed');

CREATE TABLE floats (
    on_date date PRIMARY KEY,
    minimum_cents bigint NOT NULL,
    planned_at timestamptz NOT NULL,
    set_at timestamptz,
    CONSTRAINT floats_are_not_negative CHECK (minimum_cents >= 0)
);

GRANT SELECT, INSERT, UPDATE ON floats TO instainstru_app;
GRANT SELECT ON floats TO instainstru_reads;
