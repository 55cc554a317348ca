-- Money given back: each refund from its wish to its end.
CREATE TABLE refunds (
    id uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES payments (booking_id),
    amount_cents integer NOT NULL,
    currency text NOT NULL,
    reverses_transfer boolean NOT NULL,
    cause text NOT NULL,
    reason text,
    requested_by uuid REFERENCES users (id),
    state text NOT NULL DEFAULT 'planned',
    stripe_refund_id text,
    failure_reason text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT refunds_give_something CHECK (amount_cents > 0),
    CONSTRAINT refunds_cause_is_known CHECK (cause IN ('admin', 'by_instructor', 'no_show_instructor', 'fraud_warning', 'stripe')),
    CONSTRAINT refunds_state_is_known CHECK (state IN ('planned', 'pending', 'succeeded', 'failed', 'canceled', 'refused')),
    CONSTRAINT refunds_final_has_an_end CHECK ((state IN ('planned', 'pending')) = (finished_at IS NULL)),
    CONSTRAINT refunds_are_known_once UNIQUE (stripe_refund_id)
);
CREATE UNIQUE INDEX refunds_one_planned ON refunds (booking_id) WHERE state = 'planned';
CREATE INDEX refunds_by_booking ON refunds (booking_id);
CREATE INDEX refunds_by_time ON refunds (created_at DESC, id DESC);

GRANT SELECT, INSERT, UPDATE ON refunds TO instainstru_app;
GRANT SELECT ON refunds TO instainstru_reads;
