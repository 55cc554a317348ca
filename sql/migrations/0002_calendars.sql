-- Calendars: policy and version, weekly rules, exceptions, and the bookings that fill them.
CREATE TABLE calendars (
    instructor_id uuid PRIMARY KEY REFERENCES instructors (id),
    version bigint NOT NULL DEFAULT 1,
    rules_version bigint NOT NULL DEFAULT 1,
    time_zone text NOT NULL,
    grid_minutes integer NOT NULL DEFAULT 15,
    buffer_before_minutes integer NOT NULL DEFAULT 0,
    buffer_after_minutes integer NOT NULL DEFAULT 0,
    minimum_notice_minutes integer NOT NULL DEFAULT 120,
    horizon_days integer NOT NULL DEFAULT 60,
    lessons_per_day_max integer,
    minutes_per_week_max integer,
    is_tight boolean NOT NULL DEFAULT false,
    approval text NOT NULL DEFAULT 'instant',
    CONSTRAINT calendars_grid_is_known CHECK (grid_minutes IN (5, 10, 15, 20, 30, 60)),
    CONSTRAINT calendars_buffers_are_sensible CHECK (
        buffer_before_minutes BETWEEN 0 AND 120 AND buffer_before_minutes % 5 = 0
        AND buffer_after_minutes BETWEEN 0 AND 120 AND buffer_after_minutes % 5 = 0
    ),
    CONSTRAINT calendars_notice_is_sensible CHECK (minimum_notice_minutes BETWEEN 0 AND 4320),
    CONSTRAINT calendars_horizon_is_sensible CHECK (horizon_days BETWEEN 1 AND 180),
    CONSTRAINT calendars_notice_is_before_horizon CHECK (minimum_notice_minutes < horizon_days * 1440),
    CONSTRAINT calendars_approval_is_known CHECK (approval IN ('instant', 'request'))
);

CREATE TABLE availability_rules (
    instructor_id uuid NOT NULL REFERENCES calendars (instructor_id),
    weekday smallint NOT NULL,
    opens_minute smallint NOT NULL,
    closes_minute smallint NOT NULL,
    PRIMARY KEY (instructor_id, weekday, opens_minute),
    CONSTRAINT availability_rules_weekday_is_known CHECK (weekday BETWEEN 0 AND 6),
    CONSTRAINT availability_rules_times_are_local CHECK (opens_minute BETWEEN 0 AND 1439 AND closes_minute BETWEEN 0 AND 1440)
);

CREATE TABLE availability_exceptions (
    instructor_id uuid NOT NULL REFERENCES calendars (instructor_id),
    exception_on date NOT NULL,
    opens_minutes smallint[] NOT NULL,
    closes_minutes smallint[] NOT NULL,
    PRIMARY KEY (instructor_id, exception_on),
    CONSTRAINT availability_exceptions_windows_are_pairs CHECK (cardinality(opens_minutes) = cardinality(closes_minutes))
);

CREATE TABLE bookings (
    id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    instructor_id uuid NOT NULL REFERENCES instructors (id),
    student_id uuid NOT NULL REFERENCES users (id),
    learner_id uuid NOT NULL REFERENCES learners (id),
    service_id uuid NOT NULL REFERENCES services (id),
    series_id uuid,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    schedule_version integer NOT NULL DEFAULT 1,
    time_zone text NOT NULL,
    start_local text NOT NULL,
    tzdb_version text NOT NULL,
    buffer_before_minutes integer NOT NULL,
    buffer_after_minutes integer NOT NULL,
    modality text NOT NULL,
    place text,
    note text,
    status text NOT NULL,
    outcome text,
    hold_expires_at timestamptz,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    cancelled_at timestamptz,
    cancelled_by uuid,
    cancel_reason text,
    price_cents integer NOT NULL,
    fee_bps integer NOT NULL,
    platform_fee_cents integer NOT NULL,
    instructor_amount_cents integer NOT NULL,
    credit_applied_cents integer NOT NULL DEFAULT 0,
    card_amount_cents integer NOT NULL,
    destination_cents integer NOT NULL,
    application_fee_cents integer NOT NULL,
    top_up_cents integer NOT NULL DEFAULT 0,
    currency text NOT NULL DEFAULT 'usd',
    policy_version integer NOT NULL,
    sticky_lead_seconds bigint,
    CONSTRAINT bookings_end_after_start CHECK (end_at > start_at),
    CONSTRAINT bookings_status_is_known CHECK (
        status IN ('pending', 'requested', 'confirmed', 'completed', 'cancelled', 'expired', 'no_show')
    ),
    CONSTRAINT bookings_outcome_is_known CHECK (
        outcome IN ('free', 'credit', 'charged', 'by_instructor', 'payment_failed', 'slot_lost', 'no_show_student', 'no_show_instructor')
    ),
    CONSTRAINT bookings_modality_is_known CHECK (modality IN ('online', 'in_person')),
    CONSTRAINT bookings_pending_has_an_end CHECK (status <> 'pending' OR hold_expires_at IS NOT NULL),
    CONSTRAINT bookings_final_has_an_end CHECK ((status IN ('completed', 'cancelled', 'expired', 'no_show')) = (ended_at IS NOT NULL)),
    CONSTRAINT bookings_cancelled_is_told CHECK (status <> 'cancelled' OR (cancelled_at IS NOT NULL AND outcome IS NOT NULL)),
    CONSTRAINT bookings_price_is_split CHECK (
        platform_fee_cents + instructor_amount_cents = price_cents
        AND credit_applied_cents + card_amount_cents = price_cents
        AND destination_cents + top_up_cents = instructor_amount_cents
        AND card_amount_cents - destination_cents = application_fee_cents
    ),
    CONSTRAINT bookings_note_is_short CHECK (length(note) <= 2000),
    CONSTRAINT bookings_place_is_short CHECK (length(place) <= 300),
    CONSTRAINT bookings_no_overlap EXCLUDE USING gist (
        instructor_id WITH =, tstzrange(start_at, end_at) WITH &&
    ) WHERE (status IN ('pending', 'confirmed')),
    CONSTRAINT bookings_learner_no_overlap EXCLUDE USING gist (
        learner_id WITH =, tstzrange(start_at, end_at) WITH &&
    ) WHERE (status IN ('pending', 'confirmed'))
);
CREATE INDEX bookings_by_instructor ON bookings (instructor_id, id DESC);
CREATE INDEX bookings_taught_by_instructor ON bookings (instructor_id, start_at) WHERE status IN ('completed', 'no_show');
CREATE INDEX bookings_by_student ON bookings (student_id, id DESC);
CREATE INDEX bookings_held_by_student ON bookings (student_id) WHERE status = 'pending';

CREATE TABLE booking_events (
    id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    booking_id uuid NOT NULL REFERENCES bookings (id),
    instructor_id uuid NOT NULL,
    calendar_version bigint,
    event text NOT NULL,
    was text,
    became text,
    actor_kind text NOT NULL,
    actor_id uuid,
    cause text NOT NULL,
    request_id text,
    at timestamptz NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT booking_events_actor_is_known CHECK (actor_kind IN ('student', 'instructor', 'admin', 'system', 'stripe'))
);
CREATE INDEX booking_events_by_booking ON booking_events (booking_id, position);
CREATE INDEX booking_events_by_calendar ON booking_events (instructor_id, calendar_version) WHERE calendar_version IS NOT NULL;

CREATE TABLE timings (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    booking_id uuid,
    cycle integer NOT NULL DEFAULT 1,
    schedule_version integer NOT NULL DEFAULT 1,
    due_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'scheduled',
    attempt integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    beat_at timestamptz,
    last_error text,
    created_at timestamptz NOT NULL,
    completed_at timestamptz,
    CONSTRAINT timings_kind_is_known CHECK (
        kind IN ('expire_hold', 'confirm', 'authorize', 'warn_payment', 'cancel_unpaid', 'start', 'complete', 'capture', 'settle', 'expire_credit')
    ),
    CONSTRAINT timings_state_is_known CHECK (state IN ('scheduled', 'running', 'completed', 'cancelled', 'discarded')),
    CONSTRAINT timings_final_has_an_end CHECK ((state IN ('completed', 'cancelled', 'discarded')) = (completed_at IS NOT NULL))
);
CREATE UNIQUE INDEX timings_one_live ON timings (subject_id, kind) WHERE state IN ('scheduled', 'running');
CREATE INDEX timings_by_due ON timings (due_at, kind, id) WHERE state = 'scheduled';
CREATE INDEX timings_running ON timings (beat_at) WHERE state = 'running';
CREATE INDEX timings_by_booking ON timings (booking_id);

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    subject_id uuid NOT NULL,
    user_ids uuid[] NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    kicked_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    published_at timestamptz
);
CREATE INDEX outbox_waiting ON outbox (position) WHERE published_at IS NULL;
