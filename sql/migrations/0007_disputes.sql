-- Charges that their cardholders' banks question, and what becomes of each.
CREATE TABLE disputes (
    id text PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES payments (booking_id),
    status text NOT NULL,
    reason text NOT NULL,
    amount_cents integer NOT NULL,
    currency text NOT NULL,
    previous_status text NOT NULL,
    recovery text NOT NULL DEFAULT 'none',
    evidence_count integer NOT NULL DEFAULT 0,
    evidence_due_at timestamptz,
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT disputes_status_is_known CHECK (status IN ('warning_needs_response', 'warning_under_review', 'warning_closed', 'needs_response', 'under_review', 'won', 'lost', 'prevented')),
    CONSTRAINT disputes_recovery_is_known CHECK (recovery IN ('none', 'wanted', 'done', 'absorbed'))
);
CREATE INDEX disputes_by_booking ON disputes (booking_id);
CREATE INDEX disputes_by_time ON disputes (created_at DESC, id DESC);

CREATE TABLE fraud_warnings (
    id text PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES payments (booking_id),
    fraud_type text NOT NULL,
    is_actionable boolean NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX fraud_warnings_by_booking ON fraud_warnings (booking_id);

GRANT SELECT, INSERT, UPDATE ON disputes, fraud_warnings TO instainstru_app;
GRANT SELECT ON disputes, fraud_warnings TO instainstru_reads;
