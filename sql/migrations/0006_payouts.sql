-- Money on its way from instructors' accounts at Stripe to their banks.
CREATE TABLE payouts (
    id uuid PRIMARY KEY,
    instructor_id uuid NOT NULL REFERENCES instructors (id),
    state text NOT NULL DEFAULT 'requested',
    is_instant boolean NOT NULL,
    is_asked boolean NOT NULL,
    net_cents integer NOT NULL,
    fee_cents integer NOT NULL,
    fee_refunded_cents integer NOT NULL DEFAULT 0,
    currency text NOT NULL,
    stripe_payout_id text,
    arrival_at timestamptz,
    failure_code text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT payouts_state_is_known CHECK (state IN ('requested', 'in_transit', 'paid', 'failed', 'canceled', 'refused')),
    CONSTRAINT payouts_are_known_once UNIQUE (stripe_payout_id),
    CONSTRAINT payouts_take_something CHECK (net_cents <> 0 AND fee_cents >= 0 AND fee_refunded_cents BETWEEN 0 AND fee_cents)
);
CREATE UNIQUE INDEX payouts_one_requested ON payouts (instructor_id) WHERE state = 'requested' AND is_asked;
CREATE INDEX payouts_by_instructor ON payouts (instructor_id, id DESC);

GRANT SELECT, INSERT, UPDATE ON payouts TO instainstru_app;
GRANT SELECT ON payouts TO instainstru_reads;
