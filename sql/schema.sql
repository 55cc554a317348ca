-- The schema that sql/migrations build. Written by `make schema`; never edited by hand.

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;

CREATE FUNCTION public.is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: corrections are new rows', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION public.ledger_lines_balance() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public'
    AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM ledger_lines l
        WHERE l.entry_id IN (SELECT entry_id FROM new_lines)
        GROUP BY l.entry_id, l.currency HAVING sum(l.amount_cents) <> 0
    ) THEN
        RAISE EXCEPTION 'ledger lines of an entry must sum to zero' USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_sum_to_zero';
    END IF;
    -- empty first: an upsert would hold the moved amount itself against the constraint
    INSERT INTO ledger_balances (account, balance_cents)
    SELECT DISTINCT account, 0 FROM new_lines
    WHERE account ~ '^(CRA|CRR|PAY|SC|WAL):'
    ORDER BY account
    ON CONFLICT (account) DO NOTHING;
    PERFORM 1 FROM ledger_balances
    WHERE account IN (SELECT account FROM new_lines)
    ORDER BY account
    FOR UPDATE;
    UPDATE ledger_balances b
    SET balance_cents = b.balance_cents + n.amount_cents, version = b.version + 1
    FROM (
        SELECT account, sum(amount_cents) AS amount_cents FROM new_lines GROUP BY account
    ) AS n
    WHERE b.account = n.account;
    RETURN NULL;
END $$;

CREATE TABLE public.admin_actions (
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor_id uuid NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    request_id text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE public.authorizations (
    booking_id uuid NOT NULL,
    cycle integer NOT NULL,
    payment_intent_id text NOT NULL,
    amount_cents integer NOT NULL,
    currency text NOT NULL,
    authorized_at timestamp with time zone NOT NULL,
    capture_before timestamp with time zone,
    ended_at timestamp with time zone,
    end_reason text,
    CONSTRAINT authorizations_end_has_a_reason CHECK (((ended_at IS NULL) = (end_reason IS NULL)))
);

CREATE TABLE public.availability_exceptions (
    instructor_id uuid NOT NULL,
    exception_on date NOT NULL,
    opens_minutes smallint[] NOT NULL,
    closes_minutes smallint[] NOT NULL,
    CONSTRAINT availability_exceptions_windows_are_pairs CHECK ((cardinality(opens_minutes) = cardinality(closes_minutes)))
);

CREATE TABLE public.availability_rules (
    instructor_id uuid NOT NULL,
    weekday smallint NOT NULL,
    opens_minute smallint NOT NULL,
    closes_minute smallint NOT NULL,
    CONSTRAINT availability_rules_times_are_local CHECK ((((opens_minute >= 0) AND (opens_minute <= 1439)) AND ((closes_minute >= 0) AND (closes_minute <= 1440)))),
    CONSTRAINT availability_rules_weekday_is_known CHECK (((weekday >= 0) AND (weekday <= 6)))
);

CREATE TABLE public.balance_transactions (
    account text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    amount_cents bigint NOT NULL,
    fee_cents bigint NOT NULL,
    application_fee_cents bigint NOT NULL,
    net_cents bigint NOT NULL,
    leg_cents bigint NOT NULL,
    is_reserve boolean NOT NULL,
    currency text NOT NULL,
    source text,
    description text,
    created_at timestamp with time zone NOT NULL,
    kept_at timestamp with time zone NOT NULL,
    CONSTRAINT balance_transactions_account_is_stripes CHECK ((account ~ '^(SP|SC:[A-Za-z0-9_-]+)$'::text))
);

CREATE TABLE public.booking_events (
    id uuid NOT NULL,
    "position" bigint NOT NULL,
    booking_id uuid NOT NULL,
    instructor_id uuid NOT NULL,
    calendar_version bigint,
    event text NOT NULL,
    was text,
    became text,
    actor_kind text NOT NULL,
    actor_id uuid,
    cause text NOT NULL,
    request_id text,
    at timestamp with time zone NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT booking_events_actor_is_known CHECK ((actor_kind = ANY (ARRAY['student'::text, 'instructor'::text, 'admin'::text, 'system'::text, 'stripe'::text])))
);

ALTER TABLE public.booking_events ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.booking_events_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.bookings (
    id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    instructor_id uuid NOT NULL,
    student_id uuid NOT NULL,
    learner_id uuid NOT NULL,
    service_id uuid NOT NULL,
    series_id uuid,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    schedule_version integer DEFAULT 1 NOT NULL,
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
    hold_expires_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    cancelled_at timestamp with time zone,
    cancelled_by uuid,
    cancel_reason text,
    price_cents integer NOT NULL,
    fee_bps integer NOT NULL,
    platform_fee_cents integer NOT NULL,
    instructor_amount_cents integer NOT NULL,
    credit_applied_cents integer DEFAULT 0 NOT NULL,
    card_amount_cents integer NOT NULL,
    destination_cents integer NOT NULL,
    application_fee_cents integer NOT NULL,
    top_up_cents integer DEFAULT 0 NOT NULL,
    currency text DEFAULT 'usd'::text NOT NULL,
    policy_version integer NOT NULL,
    sticky_lead_seconds bigint,
    original_start_at timestamp with time zone,
    moves integer DEFAULT 0 NOT NULL,
    late_moves integer DEFAULT 0 NOT NULL,
    CONSTRAINT bookings_cancelled_is_told CHECK (((status <> 'cancelled'::text) OR ((cancelled_at IS NOT NULL) AND (outcome IS NOT NULL)))),
    CONSTRAINT bookings_end_after_start CHECK ((end_at > start_at)),
    CONSTRAINT bookings_final_has_an_end CHECK (((status = ANY (ARRAY['completed'::text, 'cancelled'::text, 'expired'::text, 'no_show'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT bookings_modality_is_known CHECK ((modality = ANY (ARRAY['online'::text, 'in_person'::text]))),
    CONSTRAINT bookings_note_is_short CHECK ((length(note) <= 2000)),
    CONSTRAINT bookings_outcome_is_known CHECK ((outcome = ANY (ARRAY['free'::text, 'credit'::text, 'charged'::text, 'by_instructor'::text, 'payment_failed'::text, 'slot_lost'::text, 'no_show_student'::text, 'no_show_instructor'::text]))),
    CONSTRAINT bookings_pending_has_an_end CHECK (((status <> 'pending'::text) OR (hold_expires_at IS NOT NULL))),
    CONSTRAINT bookings_place_is_short CHECK ((length(place) <= 300)),
    CONSTRAINT bookings_price_is_split CHECK ((((platform_fee_cents + instructor_amount_cents) = price_cents) AND ((credit_applied_cents + card_amount_cents) = price_cents) AND ((destination_cents + top_up_cents) = instructor_amount_cents) AND ((card_amount_cents - destination_cents) = application_fee_cents))),
    CONSTRAINT bookings_status_is_known CHECK ((status = ANY (ARRAY['pending'::text, 'requested'::text, 'confirmed'::text, 'completed'::text, 'cancelled'::text, 'expired'::text, 'no_show'::text])))
);

CREATE TABLE public.calendars (
    instructor_id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    rules_version bigint DEFAULT 1 NOT NULL,
    time_zone text NOT NULL,
    grid_minutes integer DEFAULT 15 NOT NULL,
    buffer_before_minutes integer DEFAULT 0 NOT NULL,
    buffer_after_minutes integer DEFAULT 0 NOT NULL,
    minimum_notice_minutes integer DEFAULT 120 NOT NULL,
    horizon_days integer DEFAULT 60 NOT NULL,
    lessons_per_day_max integer,
    minutes_per_week_max integer,
    is_tight boolean DEFAULT false NOT NULL,
    approval text DEFAULT 'instant'::text NOT NULL,
    CONSTRAINT calendars_approval_is_known CHECK ((approval = ANY (ARRAY['instant'::text, 'request'::text]))),
    CONSTRAINT calendars_buffers_are_sensible CHECK ((((buffer_before_minutes >= 0) AND (buffer_before_minutes <= 120)) AND ((buffer_before_minutes % 5) = 0) AND ((buffer_after_minutes >= 0) AND (buffer_after_minutes <= 120)) AND ((buffer_after_minutes % 5) = 0))),
    CONSTRAINT calendars_grid_is_known CHECK ((grid_minutes = ANY (ARRAY[5, 10, 15, 20, 30, 60]))),
    CONSTRAINT calendars_horizon_is_sensible CHECK (((horizon_days >= 1) AND (horizon_days <= 180))),
    CONSTRAINT calendars_notice_is_before_horizon CHECK ((minimum_notice_minutes < (horizon_days * 1440))),
    CONSTRAINT calendars_notice_is_sensible CHECK (((minimum_notice_minutes >= 0) AND (minimum_notice_minutes <= 4320)))
);

CREATE TABLE public.credit_lots (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    source text NOT NULL,
    booking_id uuid,
    granted_cents integer NOT NULL,
    remaining_cents integer NOT NULL,
    currency text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    expired_at timestamp with time zone,
    reason text,
    granted_by uuid,
    restored_from uuid,
    frozen_at timestamp with time zone,
    voided_at timestamp with time zone,
    CONSTRAINT credit_lots_expired_are_empty CHECK (((expired_at IS NULL) OR (remaining_cents = 0))),
    CONSTRAINT credit_lots_grant_something CHECK ((granted_cents > 0)),
    CONSTRAINT credit_lots_remain_within_grant CHECK (((remaining_cents >= 0) AND (remaining_cents <= granted_cents))),
    CONSTRAINT credit_lots_source_is_known CHECK ((source = ANY (ARRAY['cancellation'::text, 'goodwill'::text, 'referral'::text, 'no_show'::text, 'package'::text, 'gift'::text]))),
    CONSTRAINT credit_lots_voided_stay_frozen CHECK (((voided_at IS NULL) OR (frozen_at IS NOT NULL)))
);

CREATE TABLE public.credit_uses (
    booking_id uuid NOT NULL,
    lot_id uuid NOT NULL,
    amount_cents integer NOT NULL,
    state text DEFAULT 'reserved'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT credit_uses_final_has_an_end CHECK (((state = 'reserved'::text) = (ended_at IS NULL))),
    CONSTRAINT credit_uses_state_is_known CHECK ((state = ANY (ARRAY['reserved'::text, 'consumed'::text, 'restored'::text]))),
    CONSTRAINT credit_uses_take_something CHECK ((amount_cents > 0))
);

CREATE TABLE public.disputes (
    id text NOT NULL,
    booking_id uuid NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    amount_cents integer NOT NULL,
    currency text NOT NULL,
    previous_status text NOT NULL,
    recovery text DEFAULT 'none'::text NOT NULL,
    evidence_count integer DEFAULT 0 NOT NULL,
    evidence_due_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT disputes_recovery_is_known CHECK ((recovery = ANY (ARRAY['none'::text, 'wanted'::text, 'done'::text, 'absorbed'::text]))),
    CONSTRAINT disputes_status_is_known CHECK ((status = ANY (ARRAY['warning_needs_response'::text, 'warning_under_review'::text, 'warning_closed'::text, 'needs_response'::text, 'under_review'::text, 'won'::text, 'lost'::text, 'prevented'::text, 'appeal_needs_response'::text, 'appeal_under_review'::text])))
);

CREATE TABLE public.flags (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    booking_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT flags_kind_is_known CHECK ((kind = 'late_without_authorization'::text))
);

CREATE TABLE public.floats (
    on_date date NOT NULL,
    minimum_cents bigint NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    set_at timestamp with time zone,
    CONSTRAINT floats_are_not_negative CHECK ((minimum_cents >= 0))
);

CREATE TABLE public.fraud_warnings (
    id text NOT NULL,
    booking_id uuid NOT NULL,
    fraud_type text NOT NULL,
    is_actionable boolean NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.idempotency_keys (
    user_id uuid NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    booking_id uuid NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    response_status integer,
    response_body bytea,
    CONSTRAINT idempotency_keys_answer_is_whole CHECK (((finished_at IS NULL) = (response_status IS NULL))),
    CONSTRAINT idempotency_keys_key_is_short CHECK (((length(key) >= 1) AND (length(key) <= 255)))
);

CREATE TABLE public.instructors (
    id uuid NOT NULL,
    headline text DEFAULT ''::text NOT NULL,
    bio text DEFAULT ''::text NOT NULL,
    languages text[] DEFAULT '{}'::text[] NOT NULL,
    modalities text[] DEFAULT '{online}'::text[] NOT NULL,
    home_lat double precision,
    home_lon double precision,
    travel_radius_km integer,
    is_published boolean DEFAULT false NOT NULL,
    stripe_account_id text,
    has_transfers boolean DEFAULT false NOT NULL,
    has_payouts boolean DEFAULT false NOT NULL,
    has_submitted_details boolean DEFAULT false NOT NULL,
    requirements_due text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    transfers_since timestamp with time zone,
    disabled_reason text,
    deadline_at timestamp with time zone,
    deauthorized_at timestamp with time zone,
    CONSTRAINT instructors_deauthorized_receive_nothing CHECK (((deauthorized_at IS NULL) OR ((NOT has_transfers) AND (NOT has_payouts)))),
    CONSTRAINT instructors_home_is_on_earth CHECK ((((home_lat >= ('-90'::integer)::double precision) AND (home_lat <= (90)::double precision)) AND ((home_lon >= ('-180'::integer)::double precision) AND (home_lon <= (180)::double precision)))),
    CONSTRAINT instructors_home_is_whole CHECK (((home_lat IS NULL) = (home_lon IS NULL))),
    CONSTRAINT instructors_modalities_are_known CHECK (((modalities <@ ARRAY['online'::text, 'in_person'::text]) AND (cardinality(modalities) > 0)))
);

CREATE TABLE public.learners (
    id uuid NOT NULL,
    student_id uuid NOT NULL,
    display_name text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.ledger_balances (
    account text NOT NULL,
    balance_cents bigint NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT ledger_balances_owe_nothing_negative CHECK (((account !~ '^(CRA|CRR|PAY):'::text) OR (balance_cents <= 0)))
);

CREATE TABLE public.ledger_entries (
    id uuid NOT NULL,
    kind text NOT NULL,
    dedupe_key text NOT NULL,
    booking_id uuid,
    user_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    source text NOT NULL
);

CREATE TABLE public.ledger_lines (
    entry_id uuid NOT NULL,
    line integer NOT NULL,
    account text NOT NULL,
    amount_cents bigint NOT NULL,
    currency text NOT NULL,
    balance_transaction_id text,
    CONSTRAINT ledger_lines_account_is_known CHECK ((account ~ '^(SP|DSP|REV|IPF|BRK|CRX|XPR|XIP|XDF|XCN|XGW|XLS|BNK|(SC|WAL|CLR|CRA|CRR|PAY):[A-Za-z0-9_-]+)$'::text)),
    CONSTRAINT ledger_lines_move_something CHECK ((amount_cents <> 0))
);

CREATE TABLE public.move_proposals (
    id uuid NOT NULL,
    booking_id uuid NOT NULL,
    proposed_by text NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    reason text,
    state text DEFAULT 'open'::text NOT NULL,
    schedule_version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT move_proposals_final_has_an_end CHECK (((state = 'open'::text) = (ended_at IS NULL))),
    CONSTRAINT move_proposals_proposer_is_known CHECK ((proposed_by = ANY (ARRAY['student'::text, 'instructor'::text]))),
    CONSTRAINT move_proposals_reason_is_short CHECK ((length(reason) <= 2000)),
    CONSTRAINT move_proposals_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'declined'::text, 'withdrawn'::text, 'expired'::text])))
);

CREATE TABLE public.payments (
    booking_id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    status text NOT NULL,
    cycle integer DEFAULT 1 NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    is_on_session boolean DEFAULT false NOT NULL,
    payment_method_id text,
    setup_intent_id text,
    payment_intent_id text,
    charge_id text,
    transfer_id text,
    application_fee_id text,
    capture_before timestamp with time zone,
    authorized_at timestamp with time zone,
    captured_at timestamp with time zone,
    captured_cents integer DEFAULT 0 NOT NULL,
    warned_at timestamp with time zone,
    decline_code text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    top_up_id text,
    withheld_cents integer DEFAULT 0 NOT NULL,
    to_reverse_cents integer DEFAULT 0 NOT NULL,
    CONSTRAINT payments_status_is_known CHECK ((status = ANY (ARRAY['card_setup'::text, 'scheduled'::text, 'authorizing'::text, 'authorized'::text, 'auth_retry'::text, 'card_required'::text, 'action_required'::text, 'capturing'::text, 'captured'::text, 'payout_pending'::text, 'settled'::text, 'releasing'::text, 'released'::text, 'crediting'::text, 'credited'::text, 'credit_only'::text, 'auth_lost'::text, 'collection'::text, 'written_off'::text, 'refunding'::text, 'refunded'::text, 'partially_refunded'::text, 'refund_failed'::text, 'disputed'::text, 'dispute_lost'::text]))),
    CONSTRAINT payments_withhold_no_less_than_nothing CHECK (((withheld_cents >= 0) AND (to_reverse_cents >= 0)))
);

CREATE TABLE public.refunds (
    id uuid NOT NULL,
    booking_id uuid NOT NULL,
    amount_cents integer NOT NULL,
    currency text NOT NULL,
    reverses_transfer boolean NOT NULL,
    cause text NOT NULL,
    reason text,
    requested_by uuid,
    state text DEFAULT 'planned'::text NOT NULL,
    stripe_refund_id text,
    failure_reason text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    is_credit boolean DEFAULT false NOT NULL,
    CONSTRAINT refunds_cause_is_known CHECK ((cause = ANY (ARRAY['admin'::text, 'by_instructor'::text, 'no_show_instructor'::text, 'fraud_warning'::text, 'stripe'::text]))),
    CONSTRAINT refunds_final_has_an_end CHECK (((state = ANY (ARRAY['planned'::text, 'pending'::text])) = (finished_at IS NULL))),
    CONSTRAINT refunds_give_something CHECK ((amount_cents > 0)),
    CONSTRAINT refunds_state_is_known CHECK ((state = ANY (ARRAY['planned'::text, 'pending'::text, 'succeeded'::text, 'failed'::text, 'canceled'::text, 'refused'::text])))
);

CREATE TABLE public.services (
    id uuid NOT NULL,
    instructor_id uuid NOT NULL,
    skill text NOT NULL,
    title text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    hourly_rate_cents integer NOT NULL,
    durations_minutes integer[] NOT NULL,
    modalities text[] NOT NULL,
    levels text[] DEFAULT '{}'::text[] NOT NULL,
    age_groups text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    archived_at timestamp with time zone,
    CONSTRAINT services_durations_are_known CHECK (((durations_minutes <@ ARRAY[30, 45, 60, 90, 120]) AND (cardinality(durations_minutes) > 0))),
    CONSTRAINT services_modalities_are_known CHECK (((modalities <@ ARRAY['online'::text, 'in_person'::text]) AND (cardinality(modalities) > 0))),
    CONSTRAINT services_rate_is_sensible CHECK (((hourly_rate_cents >= 1) AND (hourly_rate_cents <= 10000000)))
);

CREATE TABLE public.users (
    id uuid NOT NULL,
    email public.citext NOT NULL,
    password_hash text NOT NULL,
    display_name text NOT NULL,
    time_zone text NOT NULL,
    roles text[] NOT NULL,
    email_verified_at timestamp with time zone,
    stripe_customer_id text,
    created_at timestamp with time zone NOT NULL,
    stripe_customers_lost integer DEFAULT 0 NOT NULL,
    CONSTRAINT users_display_name_is_short CHECK (((length(display_name) >= 1) AND (length(display_name) <= 100))),
    CONSTRAINT users_email_is_short CHECK ((length((email)::text) <= 254)),
    CONSTRAINT users_roles_are_known CHECK ((roles <@ ARRAY['student'::text, 'instructor'::text, 'admin'::text]))
);

CREATE VIEW public.lessons AS
 SELECT b.id,
    b.instructor_id,
    b.student_id,
    i.display_name AS instructor_name,
    s.display_name AS student_name,
    v.title,
    b.start_at,
    b.end_at,
    b.time_zone AS instructor_zone,
    b.modality,
    b.status,
    b.outcome,
    p.status AS payment_status,
    b.price_cents,
    b.instructor_amount_cents,
    b.currency,
    b.hold_expires_at,
    b.created_at,
    b.sticky_lead_seconds,
    (p.authorized_at IS NOT NULL) AS was_authorized,
    b.card_amount_cents,
    b.credit_applied_cents,
    (COALESCE(( SELECT sum(r.amount_cents) AS sum
           FROM public.refunds r
          WHERE ((r.booking_id = b.id) AND (r.state = ANY (ARRAY['pending'::text, 'succeeded'::text])))), (0)::bigint))::integer AS refunded_cents,
    (EXISTS ( SELECT
           FROM public.move_proposals m
          WHERE ((m.booking_id = b.id) AND (m.proposed_by = 'instructor'::text) AND (m.schedule_version = b.schedule_version) AND (m.state = ANY (ARRAY['open'::text, 'declined'::text, 'expired'::text]))))) AS is_excused
   FROM ((((public.bookings b
     JOIN public.payments p ON ((p.booking_id = b.id)))
     JOIN public.users i ON ((i.id = b.instructor_id)))
     JOIN public.users s ON ((s.id = b.student_id)))
     JOIN public.services v ON ((v.id = b.service_id)));

CREATE TABLE public.no_show_reports (
    booking_id uuid NOT NULL,
    absent text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    reported_by uuid NOT NULL,
    reported_at timestamp with time zone NOT NULL,
    upheld_at timestamp with time zone NOT NULL,
    contested_at timestamp with time zone,
    resolved_at timestamp with time zone,
    resolved_by uuid,
    CONSTRAINT no_show_reports_absent_is_known CHECK ((absent = ANY (ARRAY['student'::text, 'instructor'::text]))),
    CONSTRAINT no_show_reports_final_has_an_end CHECK (((state = ANY (ARRAY['upheld'::text, 'rejected'::text])) = (resolved_at IS NOT NULL))),
    CONSTRAINT no_show_reports_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'contested'::text, 'upheld'::text, 'rejected'::text])))
);

CREATE TABLE public.outbox (
    id uuid NOT NULL,
    "position" bigint NOT NULL,
    topic text NOT NULL,
    subject_id uuid NOT NULL,
    user_ids uuid[] NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    kicked_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    published_at timestamp with time zone
);

ALTER TABLE public.outbox ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.payment_methods (
    id text NOT NULL,
    user_id uuid NOT NULL,
    brand text NOT NULL,
    last4 text NOT NULL,
    exp_month integer NOT NULL,
    exp_year integer NOT NULL,
    fingerprint text,
    created_at timestamp with time zone NOT NULL,
    detached_at timestamp with time zone,
    refused_at timestamp with time zone
);

CREATE TABLE public.payouts (
    id uuid NOT NULL,
    instructor_id uuid NOT NULL,
    state text DEFAULT 'requested'::text NOT NULL,
    is_instant boolean NOT NULL,
    is_asked boolean NOT NULL,
    net_cents integer NOT NULL,
    fee_cents integer NOT NULL,
    fee_refunded_cents integer DEFAULT 0 NOT NULL,
    currency text NOT NULL,
    stripe_payout_id text,
    arrival_at timestamp with time zone,
    failure_code text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT payouts_state_is_known CHECK ((state = ANY (ARRAY['requested'::text, 'in_transit'::text, 'paid'::text, 'failed'::text, 'canceled'::text, 'refused'::text]))),
    CONSTRAINT payouts_take_something CHECK (((net_cents <> 0) AND (fee_cents >= 0) AND ((fee_refunded_cents >= 0) AND (fee_refunded_cents <= fee_cents))))
);

CREATE TABLE public.rate_limits (
    key text NOT NULL,
    arrives_at timestamp with time zone NOT NULL
);

CREATE TABLE public.reconciliation_accounts (
    account text NOT NULL,
    stripe_cents bigint DEFAULT 0 NOT NULL,
    ledger_cents bigint DEFAULT 0 NOT NULL,
    looked_at timestamp with time zone
);

CREATE TABLE public.reconciliation_incidents (
    id uuid NOT NULL,
    check_name text NOT NULL,
    subject text NOT NULL,
    account text NOT NULL,
    difference_cents bigint NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT reconciliation_incidents_check_is_known CHECK ((check_name = ANY (ARRAY['books_unreadable'::text, 'leg_missing'::text, 'leg_unknown'::text, 'leg_differs'::text, 'sum_differs'::text, 'balance_differs'::text, 'own_money_differs'::text, 'transit_open'::text, 'credit_differs'::text, 'revenue_differs'::text, 'ledger_unbalanced'::text, 'top_up_differs'::text, 'dispute_differs'::text, 'expired_differs'::text])))
);

CREATE TABLE public.reconciliation_proof (
    is_single boolean DEFAULT true NOT NULL,
    until_id uuid NOT NULL,
    until_at timestamp with time zone NOT NULL,
    CONSTRAINT reconciliation_proof_is_one CHECK (is_single)
);

CREATE TABLE public.reconciliation_runs (
    id uuid NOT NULL,
    cause text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    started_wall_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    accounts integer DEFAULT 0 NOT NULL,
    unseen_accounts text[] DEFAULT '{}'::text[] NOT NULL,
    unseen_checks text[] DEFAULT '{}'::text[] NOT NULL,
    ingested integer DEFAULT 0 NOT NULL,
    posted integer DEFAULT 0 NOT NULL,
    differences integer DEFAULT 0 NOT NULL,
    available_cents bigint
);

CREATE TABLE public.reconciliation_watermarks (
    account text NOT NULL,
    seen_until timestamp with time zone NOT NULL
);

CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamp with time zone NOT NULL
);

CREATE TABLE public.session_tokens (
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    replaced_at timestamp with time zone
);

CREATE TABLE public.sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    user_agent text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    end_reason text,
    CONSTRAINT sessions_end_has_a_reason CHECK (((ended_at IS NULL) = (end_reason IS NULL))),
    CONSTRAINT sessions_kind_is_known CHECK ((kind = ANY (ARRAY['token'::text, 'cookie'::text])))
);

CREATE TABLE public.skills (
    slug text NOT NULL,
    name text NOT NULL,
    category text NOT NULL
);

CREATE TABLE public.strikes (
    booking_id uuid NOT NULL,
    instructor_id uuid NOT NULL,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT strikes_kind_is_known CHECK ((kind = ANY (ARRAY['cancelled'::text, 'no_show'::text])))
);

CREATE TABLE public.stripe_events (
    id text NOT NULL,
    type text NOT NULL,
    account text,
    object_id text,
    api_version text,
    payload jsonb NOT NULL,
    state text DEFAULT 'received'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    received_at timestamp with time zone NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    worked_at timestamp with time zone,
    error text,
    CONSTRAINT stripe_events_final_has_an_end CHECK (((state = 'received'::text) = (worked_at IS NULL))),
    CONSTRAINT stripe_events_state_is_known CHECK ((state = ANY (ARRAY['received'::text, 'worked'::text, 'quarantined'::text])))
);

CREATE TABLE public.stripe_operations (
    id uuid NOT NULL,
    kind text NOT NULL,
    booking_id uuid,
    subject_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    params jsonb NOT NULL,
    state text DEFAULT 'planned'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    first_sent_at timestamp with time zone,
    sent_at timestamp with time zone,
    finished_at timestamp with time zone,
    stripe_request_id text,
    error_code text,
    result jsonb,
    absent_since timestamp with time zone,
    CONSTRAINT stripe_operations_final_has_an_end CHECK (((state = ANY (ARRAY['succeeded'::text, 'failed'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT stripe_operations_state_is_known CHECK ((state = ANY (ARRAY['planned'::text, 'sent'::text, 'succeeded'::text, 'failed'::text, 'unknown'::text, 'parked'::text])))
);

CREATE TABLE public.timings (
    id uuid NOT NULL,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    booking_id uuid,
    cycle integer DEFAULT 1 NOT NULL,
    schedule_version integer DEFAULT 1 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    state text DEFAULT 'scheduled'::text NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    beat_at timestamp with time zone,
    last_error text,
    created_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    CONSTRAINT timings_final_has_an_end CHECK (((state = ANY (ARRAY['completed'::text, 'cancelled'::text, 'discarded'::text])) = (completed_at IS NOT NULL))),
    CONSTRAINT timings_kind_is_known CHECK ((kind = ANY (ARRAY['expire_hold'::text, 'confirm'::text, 'authorize'::text, 'warn_payment'::text, 'cancel_unpaid'::text, 'start'::text, 'complete'::text, 'capture'::text, 'settle'::text, 'top_up'::text, 'expire_credit'::text, 'remind_credit'::text, 'expire_proposal'::text, 'uphold_no_show'::text, 'guard_authorization'::text, 'write_off'::text, 'pay_out'::text, 'remind_debt'::text]))),
    CONSTRAINT timings_state_is_known CHECK ((state = ANY (ARRAY['scheduled'::text, 'running'::text, 'completed'::text, 'cancelled'::text, 'discarded'::text])))
);

ALTER TABLE ONLY public.admin_actions
    ADD CONSTRAINT admin_actions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.authorizations
    ADD CONSTRAINT authorizations_pkey PRIMARY KEY (booking_id, cycle);

ALTER TABLE ONLY public.availability_exceptions
    ADD CONSTRAINT availability_exceptions_pkey PRIMARY KEY (instructor_id, exception_on);

ALTER TABLE ONLY public.availability_rules
    ADD CONSTRAINT availability_rules_pkey PRIMARY KEY (instructor_id, weekday, opens_minute);

ALTER TABLE ONLY public.balance_transactions
    ADD CONSTRAINT balance_transactions_pkey PRIMARY KEY (account, id);

ALTER TABLE ONLY public.booking_events
    ADD CONSTRAINT booking_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_learner_no_overlap EXCLUDE USING gist (learner_id WITH =, tstzrange(start_at, end_at) WITH &&) WHERE ((status = ANY (ARRAY['pending'::text, 'confirmed'::text])));

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_no_overlap EXCLUDE USING gist (instructor_id WITH =, tstzrange(start_at, end_at) WITH &&) WHERE ((status = ANY (ARRAY['pending'::text, 'confirmed'::text])));

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.calendars
    ADD CONSTRAINT calendars_pkey PRIMARY KEY (instructor_id);

ALTER TABLE ONLY public.credit_lots
    ADD CONSTRAINT credit_lots_one_per_booking UNIQUE (booking_id, source);

ALTER TABLE ONLY public.credit_lots
    ADD CONSTRAINT credit_lots_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.credit_uses
    ADD CONSTRAINT credit_uses_pkey PRIMARY KEY (booking_id, lot_id);

ALTER TABLE ONLY public.disputes
    ADD CONSTRAINT disputes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.flags
    ADD CONSTRAINT flags_one_a_booking UNIQUE (booking_id, kind);

ALTER TABLE ONLY public.flags
    ADD CONSTRAINT flags_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.floats
    ADD CONSTRAINT floats_pkey PRIMARY KEY (on_date);

ALTER TABLE ONLY public.fraud_warnings
    ADD CONSTRAINT fraud_warnings_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, method, path, key);

ALTER TABLE ONLY public.instructors
    ADD CONSTRAINT instructors_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.instructors
    ADD CONSTRAINT instructors_stripe_account_is_unique UNIQUE (stripe_account_id);

ALTER TABLE ONLY public.learners
    ADD CONSTRAINT learners_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ledger_balances
    ADD CONSTRAINT ledger_balances_pkey PRIMARY KEY (account);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_are_posted_once UNIQUE (dedupe_key);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ledger_lines
    ADD CONSTRAINT ledger_lines_pkey PRIMARY KEY (entry_id, line);

ALTER TABLE ONLY public.move_proposals
    ADD CONSTRAINT move_proposals_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.no_show_reports
    ADD CONSTRAINT no_show_reports_pkey PRIMARY KEY (booking_id);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.payment_methods
    ADD CONSTRAINT payment_methods_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_payment_intent_is_unique UNIQUE (payment_intent_id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (booking_id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_setup_intent_is_unique UNIQUE (setup_intent_id);

ALTER TABLE ONLY public.payouts
    ADD CONSTRAINT payouts_are_known_once UNIQUE (stripe_payout_id);

ALTER TABLE ONLY public.payouts
    ADD CONSTRAINT payouts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.reconciliation_accounts
    ADD CONSTRAINT reconciliation_accounts_pkey PRIMARY KEY (account);

ALTER TABLE ONLY public.reconciliation_incidents
    ADD CONSTRAINT reconciliation_incidents_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.reconciliation_proof
    ADD CONSTRAINT reconciliation_proof_pkey PRIMARY KEY (is_single);

ALTER TABLE ONLY public.reconciliation_runs
    ADD CONSTRAINT reconciliation_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.reconciliation_watermarks
    ADD CONSTRAINT reconciliation_watermarks_pkey PRIMARY KEY (account);

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_are_known_once UNIQUE (stripe_refund_id);

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.session_tokens
    ADD CONSTRAINT session_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.skills
    ADD CONSTRAINT skills_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.strikes
    ADD CONSTRAINT strikes_pkey PRIMARY KEY (booking_id);

ALTER TABLE ONLY public.stripe_events
    ADD CONSTRAINT stripe_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.stripe_operations
    ADD CONSTRAINT stripe_operations_key_is_unique UNIQUE (idempotency_key);

ALTER TABLE ONLY public.stripe_operations
    ADD CONSTRAINT stripe_operations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.timings
    ADD CONSTRAINT timings_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_is_unique UNIQUE (email);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_stripe_customer_is_unique UNIQUE (stripe_customer_id);

CREATE INDEX admin_actions_by_time ON public.admin_actions USING btree (at, id);

CREATE INDEX balance_transactions_by_kept ON public.balance_transactions USING btree (kept_at);

CREATE INDEX booking_events_by_booking ON public.booking_events USING btree (booking_id, "position");

CREATE INDEX booking_events_by_calendar ON public.booking_events USING btree (instructor_id, calendar_version) WHERE (calendar_version IS NOT NULL);

CREATE INDEX booking_events_by_time ON public.booking_events USING btree (at, id);

CREATE INDEX bookings_by_instructor ON public.bookings USING btree (instructor_id, id DESC);

CREATE INDEX bookings_by_student ON public.bookings USING btree (student_id, id DESC);

CREATE INDEX bookings_confirmed_by_start ON public.bookings USING btree (start_at) WHERE (status = 'confirmed'::text);

CREATE INDEX bookings_ended_by_time ON public.bookings USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX bookings_held_by_student ON public.bookings USING btree (student_id) WHERE (status = 'pending'::text);

CREATE INDEX bookings_taught_by_instructor ON public.bookings USING btree (instructor_id, start_at) WHERE (status = ANY (ARRAY['completed'::text, 'no_show'::text]));

CREATE INDEX credit_lots_by_user ON public.credit_lots USING btree (user_id, expires_at) WHERE (remaining_cents > 0);

CREATE INDEX credit_lots_expired ON public.credit_lots USING btree (expired_at) WHERE (expired_at IS NOT NULL);

CREATE INDEX credit_lots_restored ON public.credit_lots USING btree (restored_from) WHERE (restored_from IS NOT NULL);

CREATE INDEX credit_uses_by_lot ON public.credit_uses USING btree (lot_id);

CREATE INDEX credit_uses_reserved ON public.credit_uses USING btree (lot_id) INCLUDE (amount_cents) WHERE (state = 'reserved'::text);

CREATE INDEX disputes_by_booking ON public.disputes USING btree (booking_id);

CREATE INDEX disputes_by_time ON public.disputes USING btree (created_at DESC, id DESC);

CREATE INDEX flags_by_time ON public.flags USING btree (at, id);

CREATE INDEX flags_by_user ON public.flags USING btree (user_id, at);

CREATE INDEX fraud_warnings_by_booking ON public.fraud_warnings USING btree (booking_id);

CREATE INDEX idempotency_keys_by_expiry ON public.idempotency_keys USING btree (expires_at);

CREATE INDEX instructors_wait_for_stripe ON public.instructors USING btree (stripe_account_id) WHERE ((deauthorized_at IS NULL) AND (NOT (has_transfers AND has_payouts)));

CREATE INDEX learners_by_student ON public.learners USING btree (student_id);

CREATE INDEX ledger_entries_by_booking ON public.ledger_entries USING btree (booking_id);

CREATE INDEX ledger_entries_by_source ON public.ledger_entries USING btree (source);

CREATE INDEX ledger_entries_by_time ON public.ledger_entries USING btree (effective_at, id);

CREATE INDEX ledger_entries_by_user ON public.ledger_entries USING gin (user_ids) WITH (fastupdate=off);

CREATE INDEX ledger_lines_by_account ON public.ledger_lines USING btree (account, entry_id);

CREATE UNIQUE INDEX ledger_lines_one_per_balance_transaction ON public.ledger_lines USING btree (balance_transaction_id, account) WHERE (balance_transaction_id IS NOT NULL);

CREATE INDEX move_proposals_by_booking ON public.move_proposals USING btree (booking_id);

CREATE UNIQUE INDEX move_proposals_one_open ON public.move_proposals USING btree (booking_id) WHERE (state = 'open'::text);

CREATE INDEX outbox_waiting ON public.outbox USING btree ("position") WHERE (published_at IS NULL);

CREATE INDEX payment_methods_by_user ON public.payment_methods USING btree (user_id, created_at DESC) WHERE (detached_at IS NULL);

CREATE INDEX payments_by_fee ON public.payments USING btree (application_fee_id) WHERE (application_fee_id IS NOT NULL);

CREATE INDEX payments_by_top_up ON public.payments USING btree (top_up_id) WHERE (top_up_id IS NOT NULL);

CREATE INDEX payments_by_transfer ON public.payments USING btree (transfer_id) WHERE (transfer_id IS NOT NULL);

CREATE INDEX payments_moving ON public.payments USING btree (updated_at) WHERE (status = ANY (ARRAY['authorizing'::text, 'authorized'::text, 'auth_retry'::text, 'auth_lost'::text, 'card_required'::text, 'action_required'::text, 'capturing'::text, 'captured'::text, 'crediting'::text, 'releasing'::text, 'payout_pending'::text, 'collection'::text]));

CREATE INDEX payments_owing ON public.payments USING btree (booking_id) WHERE (status = ANY (ARRAY['payout_pending'::text, 'refund_failed'::text]));

CREATE INDEX payments_to_reverse ON public.payments USING btree (booking_id) WHERE (to_reverse_cents > 0);

CREATE INDEX payouts_by_instructor ON public.payouts USING btree (instructor_id, id DESC);

CREATE UNIQUE INDEX payouts_one_requested ON public.payouts USING btree (instructor_id) WHERE (state = 'requested'::text);

CREATE INDEX payouts_unsettled ON public.payouts USING btree (instructor_id, id) WHERE (state = ANY (ARRAY['in_transit'::text, 'failed'::text]));

CREATE INDEX reconciliation_incidents_by_time ON public.reconciliation_incidents USING btree (opened_at, id);

CREATE UNIQUE INDEX reconciliation_incidents_one_open ON public.reconciliation_incidents USING btree (check_name, subject) WHERE (closed_at IS NULL);

CREATE INDEX reconciliation_runs_begun ON public.reconciliation_runs USING btree (started_wall_at DESC);

CREATE INDEX reconciliation_runs_finished ON public.reconciliation_runs USING btree (started_wall_at DESC) WHERE (finished_at IS NOT NULL);

CREATE INDEX refunds_by_booking ON public.refunds USING btree (booking_id);

CREATE INDEX refunds_by_time ON public.refunds USING btree (created_at DESC, id DESC);

CREATE UNIQUE INDEX refunds_one_planned ON public.refunds USING btree (booking_id) WHERE (state = 'planned'::text);

CREATE INDEX services_by_instructor ON public.services USING btree (instructor_id) WHERE (archived_at IS NULL);

CREATE INDEX services_by_skill ON public.services USING btree (skill) WHERE (archived_at IS NULL);

CREATE INDEX session_tokens_by_session ON public.session_tokens USING btree (session_id);

CREATE INDEX sessions_by_user ON public.sessions USING btree (user_id) WHERE (ended_at IS NULL);

CREATE INDEX sessions_ended_lately ON public.sessions USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX strikes_by_instructor ON public.strikes USING btree (instructor_id, at);

CREATE INDEX stripe_events_by_time ON public.stripe_events USING btree (received_at, id);

CREATE INDEX stripe_events_payouts_failed ON public.stripe_events USING btree (received_at) WHERE ((type = 'payout.failed'::text) AND (account IS NULL));

CREATE INDEX stripe_events_waiting ON public.stripe_events USING btree (next_attempt_at) WHERE (state = 'received'::text);

CREATE INDEX stripe_operations_by_booking ON public.stripe_operations USING btree (booking_id);

CREATE UNIQUE INDEX stripe_operations_one_open ON public.stripe_operations USING btree (booking_id) WHERE (state = ANY (ARRAY['planned'::text, 'sent'::text, 'unknown'::text, 'parked'::text]));

CREATE INDEX stripe_operations_open ON public.stripe_operations USING btree (planned_at) WHERE (state = ANY (ARRAY['planned'::text, 'sent'::text, 'unknown'::text, 'parked'::text]));

CREATE INDEX stripe_operations_tried ON public.stripe_operations USING btree (finished_at) WHERE (kind = 'confirm_intent'::text);

CREATE INDEX timings_by_booking ON public.timings USING btree (booking_id);

CREATE INDEX timings_by_due ON public.timings USING btree (due_at, kind, id) WHERE (state = 'scheduled'::text);

CREATE UNIQUE INDEX timings_one_live ON public.timings USING btree (subject_id, kind) WHERE (state = ANY (ARRAY['scheduled'::text, 'running'::text]));

CREATE INDEX timings_running ON public.timings USING btree (beat_at) WHERE (state = 'running'::text);

CREATE INDEX users_admins ON public.users USING btree (id) WHERE (roles @> '{admin}'::text[]);

CREATE TRIGGER admin_actions_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.admin_actions FOR EACH STATEMENT EXECUTE FUNCTION public.is_append_only();

CREATE TRIGGER balance_transactions_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.balance_transactions FOR EACH STATEMENT EXECUTE FUNCTION public.is_append_only();

CREATE TRIGGER booking_events_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.booking_events FOR EACH STATEMENT EXECUTE FUNCTION public.is_append_only();

CREATE TRIGGER ledger_entries_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION public.is_append_only();

CREATE TRIGGER ledger_lines_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_lines FOR EACH STATEMENT EXECUTE FUNCTION public.is_append_only();

CREATE TRIGGER ledger_lines_balance AFTER INSERT ON public.ledger_lines REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_lines_balance();

ALTER TABLE ONLY public.admin_actions
    ADD CONSTRAINT admin_actions_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.authorizations
    ADD CONSTRAINT authorizations_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.payments(booking_id);

ALTER TABLE ONLY public.availability_exceptions
    ADD CONSTRAINT availability_exceptions_instructor_id_fkey FOREIGN KEY (instructor_id) REFERENCES public.calendars(instructor_id);

ALTER TABLE ONLY public.availability_rules
    ADD CONSTRAINT availability_rules_instructor_id_fkey FOREIGN KEY (instructor_id) REFERENCES public.calendars(instructor_id);

ALTER TABLE ONLY public.booking_events
    ADD CONSTRAINT booking_events_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.bookings(id);

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_instructor_id_fkey FOREIGN KEY (instructor_id) REFERENCES public.instructors(id);

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_learner_id_fkey FOREIGN KEY (learner_id) REFERENCES public.learners(id);

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_service_id_fkey FOREIGN KEY (service_id) REFERENCES public.services(id);

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_student_id_fkey FOREIGN KEY (student_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.calendars
    ADD CONSTRAINT calendars_instructor_id_fkey FOREIGN KEY (instructor_id) REFERENCES public.instructors(id);

ALTER TABLE ONLY public.credit_lots
    ADD CONSTRAINT credit_lots_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.bookings(id);

ALTER TABLE ONLY public.credit_lots
    ADD CONSTRAINT credit_lots_granted_by_fkey FOREIGN KEY (granted_by) REFERENCES public.users(id);

ALTER TABLE ONLY public.credit_lots
    ADD CONSTRAINT credit_lots_restored_from_fkey FOREIGN KEY (restored_from) REFERENCES public.credit_lots(id);

ALTER TABLE ONLY public.credit_lots
    ADD CONSTRAINT credit_lots_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.credit_uses
    ADD CONSTRAINT credit_uses_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.bookings(id);

ALTER TABLE ONLY public.credit_uses
    ADD CONSTRAINT credit_uses_lot_id_fkey FOREIGN KEY (lot_id) REFERENCES public.credit_lots(id);

ALTER TABLE ONLY public.disputes
    ADD CONSTRAINT disputes_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.payments(booking_id);

ALTER TABLE ONLY public.flags
    ADD CONSTRAINT flags_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.bookings(id);

ALTER TABLE ONLY public.flags
    ADD CONSTRAINT flags_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.fraud_warnings
    ADD CONSTRAINT fraud_warnings_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.payments(booking_id);

ALTER TABLE ONLY public.instructors
    ADD CONSTRAINT instructors_id_fkey FOREIGN KEY (id) REFERENCES public.users(id);

ALTER TABLE ONLY public.learners
    ADD CONSTRAINT learners_student_id_fkey FOREIGN KEY (student_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.ledger_lines
    ADD CONSTRAINT ledger_lines_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES public.ledger_entries(id);

ALTER TABLE ONLY public.move_proposals
    ADD CONSTRAINT move_proposals_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.bookings(id);

ALTER TABLE ONLY public.no_show_reports
    ADD CONSTRAINT no_show_reports_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.bookings(id);

ALTER TABLE ONLY public.no_show_reports
    ADD CONSTRAINT no_show_reports_reported_by_fkey FOREIGN KEY (reported_by) REFERENCES public.users(id);

ALTER TABLE ONLY public.no_show_reports
    ADD CONSTRAINT no_show_reports_resolved_by_fkey FOREIGN KEY (resolved_by) REFERENCES public.users(id);

ALTER TABLE ONLY public.payment_methods
    ADD CONSTRAINT payment_methods_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.bookings(id);

ALTER TABLE ONLY public.payouts
    ADD CONSTRAINT payouts_instructor_id_fkey FOREIGN KEY (instructor_id) REFERENCES public.instructors(id);

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.payments(booking_id);

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.users(id);

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_instructor_id_fkey FOREIGN KEY (instructor_id) REFERENCES public.instructors(id);

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_skill_is_known FOREIGN KEY (skill) REFERENCES public.skills(slug);

ALTER TABLE ONLY public.session_tokens
    ADD CONSTRAINT session_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.sessions(id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.strikes
    ADD CONSTRAINT strikes_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES public.bookings(id);

ALTER TABLE ONLY public.strikes
    ADD CONSTRAINT strikes_instructor_id_fkey FOREIGN KEY (instructor_id) REFERENCES public.instructors(id);

GRANT USAGE ON SCHEMA public TO instainstru_app;
GRANT USAGE ON SCHEMA public TO instainstru_reads;

GRANT SELECT,INSERT ON TABLE public.admin_actions TO instainstru_app;
GRANT SELECT ON TABLE public.admin_actions TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.authorizations TO instainstru_app;
GRANT SELECT ON TABLE public.authorizations TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.availability_exceptions TO instainstru_app;
GRANT SELECT ON TABLE public.availability_exceptions TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.availability_rules TO instainstru_app;
GRANT SELECT ON TABLE public.availability_rules TO instainstru_reads;

GRANT SELECT,INSERT ON TABLE public.balance_transactions TO instainstru_app;
GRANT SELECT ON TABLE public.balance_transactions TO instainstru_reads;

GRANT SELECT,INSERT ON TABLE public.booking_events TO instainstru_app;
GRANT SELECT ON TABLE public.booking_events TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.bookings TO instainstru_app;
GRANT SELECT ON TABLE public.bookings TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.calendars TO instainstru_app;
GRANT SELECT ON TABLE public.calendars TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.credit_lots TO instainstru_app;
GRANT SELECT ON TABLE public.credit_lots TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.credit_uses TO instainstru_app;
GRANT SELECT ON TABLE public.credit_uses TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.disputes TO instainstru_app;
GRANT SELECT ON TABLE public.disputes TO instainstru_reads;

GRANT SELECT,INSERT ON TABLE public.flags TO instainstru_app;
GRANT SELECT ON TABLE public.flags TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.floats TO instainstru_app;
GRANT SELECT ON TABLE public.floats TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.fraud_warnings TO instainstru_app;
GRANT SELECT ON TABLE public.fraud_warnings TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO instainstru_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.instructors TO instainstru_app;
GRANT SELECT ON TABLE public.instructors TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.learners TO instainstru_app;
GRANT SELECT ON TABLE public.learners TO instainstru_reads;

GRANT SELECT ON TABLE public.ledger_balances TO instainstru_app;
GRANT SELECT ON TABLE public.ledger_balances TO instainstru_reads;

GRANT SELECT,INSERT ON TABLE public.ledger_entries TO instainstru_app;
GRANT SELECT ON TABLE public.ledger_entries TO instainstru_reads;

GRANT SELECT,INSERT ON TABLE public.ledger_lines TO instainstru_app;
GRANT SELECT ON TABLE public.ledger_lines TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.move_proposals TO instainstru_app;
GRANT SELECT ON TABLE public.move_proposals TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.payments TO instainstru_app;
GRANT SELECT ON TABLE public.payments TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.refunds TO instainstru_app;
GRANT SELECT ON TABLE public.refunds TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.services TO instainstru_app;
GRANT SELECT ON TABLE public.services TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO instainstru_app;
GRANT SELECT ON TABLE public.users TO instainstru_reads;

GRANT SELECT ON TABLE public.lessons TO instainstru_app;
GRANT SELECT ON TABLE public.lessons TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.no_show_reports TO instainstru_app;
GRANT SELECT ON TABLE public.no_show_reports TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.outbox TO instainstru_app;
GRANT SELECT ON TABLE public.outbox TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.payment_methods TO instainstru_app;
GRANT SELECT ON TABLE public.payment_methods TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.payouts TO instainstru_app;
GRANT SELECT ON TABLE public.payouts TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rate_limits TO instainstru_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.reconciliation_accounts TO instainstru_app;
GRANT SELECT ON TABLE public.reconciliation_accounts TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.reconciliation_incidents TO instainstru_app;
GRANT SELECT ON TABLE public.reconciliation_incidents TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.reconciliation_proof TO instainstru_app;
GRANT SELECT ON TABLE public.reconciliation_proof TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.reconciliation_runs TO instainstru_app;
GRANT SELECT ON TABLE public.reconciliation_runs TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.reconciliation_watermarks TO instainstru_app;
GRANT SELECT ON TABLE public.reconciliation_watermarks TO instainstru_reads;

GRANT SELECT ON TABLE public.schema_migrations TO instainstru_app;
GRANT SELECT ON TABLE public.schema_migrations TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.session_tokens TO instainstru_app;
GRANT SELECT ON TABLE public.session_tokens TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sessions TO instainstru_app;
GRANT SELECT ON TABLE public.sessions TO instainstru_reads;

GRANT SELECT ON TABLE public.skills TO instainstru_app;
GRANT SELECT ON TABLE public.skills TO instainstru_reads;

GRANT SELECT,INSERT,UPDATE ON TABLE public.strikes TO instainstru_app;
GRANT SELECT ON TABLE public.strikes TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.stripe_events TO instainstru_app;
GRANT SELECT ON TABLE public.stripe_events TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.stripe_operations TO instainstru_app;
GRANT SELECT ON TABLE public.stripe_operations TO instainstru_reads;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.timings TO instainstru_app;
GRANT SELECT ON TABLE public.timings TO instainstru_reads;
