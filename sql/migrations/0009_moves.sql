-- Lessons that move to another time, people who did not come, and what instructors have to answer for.
ALTER TABLE bookings
    ADD COLUMN original_start_at timestamptz,
    ADD COLUMN moves integer NOT NULL DEFAULT 0,
    ADD COLUMN late_moves integer NOT NULL DEFAULT 0;

CREATE TABLE move_proposals (
    id uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES bookings (id),
    proposed_by text NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    reason text,
    state text NOT NULL DEFAULT 'open',
    schedule_version integer NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT move_proposals_proposer_is_known CHECK (proposed_by IN ('student', 'instructor')),
    CONSTRAINT move_proposals_state_is_known CHECK (state IN ('open', 'accepted', 'declined', 'withdrawn', 'expired')),
    CONSTRAINT move_proposals_final_has_an_end CHECK ((state = 'open') = (ended_at IS NULL)),
    CONSTRAINT move_proposals_reason_is_short CHECK (length(reason) <= 2000)
);
CREATE INDEX move_proposals_by_booking ON move_proposals (booking_id);
CREATE UNIQUE INDEX move_proposals_one_open ON move_proposals (booking_id) WHERE state = 'open';

CREATE TABLE no_show_reports (
    booking_id uuid PRIMARY KEY REFERENCES bookings (id),
    absent text NOT NULL,
    state text NOT NULL DEFAULT 'open',
    reported_by uuid NOT NULL REFERENCES users (id),
    reported_at timestamptz NOT NULL,
    upheld_at timestamptz NOT NULL,
    contested_at timestamptz,
    resolved_at timestamptz,
    resolved_by uuid REFERENCES users (id),
    CONSTRAINT no_show_reports_absent_is_known CHECK (absent IN ('student', 'instructor')),
    CONSTRAINT no_show_reports_state_is_known CHECK (state IN ('open', 'contested', 'upheld', 'rejected')),
    CONSTRAINT no_show_reports_final_has_an_end CHECK ((state IN ('upheld', 'rejected')) = (resolved_at IS NOT NULL))
);

CREATE TABLE strikes (
    booking_id uuid PRIMARY KEY REFERENCES bookings (id),
    instructor_id uuid NOT NULL REFERENCES instructors (id),
    kind text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT strikes_kind_is_known CHECK (kind IN ('cancelled', 'no_show'))
);
CREATE INDEX strikes_by_instructor ON strikes (instructor_id, at);

ALTER TABLE timings
    DROP CONSTRAINT timings_kind_is_known,
    ADD CONSTRAINT timings_kind_is_known CHECK (
        kind IN (
            'expire_hold', 'confirm', 'authorize', 'warn_payment', 'cancel_unpaid', 'start', 'complete', 'capture',
            'settle', 'top_up', 'expire_credit', 'remind_credit', 'expire_proposal', 'uphold_no_show',
            'guard_authorization', 'write_off'
        )
    );

GRANT SELECT, INSERT, UPDATE ON move_proposals, no_show_reports, strikes TO instainstru_app;
GRANT SELECT ON move_proposals, no_show_reports, strikes TO instainstru_reads;
