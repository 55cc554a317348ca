-- Money: cards, payments, operations at Stripe, credit lots, the ledger and the webhook inbox.
CREATE TABLE payment_methods (
    id text PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    brand text NOT NULL,
    last4 text NOT NULL,
    exp_month integer NOT NULL,
    exp_year integer NOT NULL,
    fingerprint text,
    created_at timestamptz NOT NULL,
    detached_at timestamptz
);
CREATE INDEX payment_methods_by_user ON payment_methods (user_id, created_at DESC) WHERE detached_at IS NULL;

CREATE TABLE payments (
    booking_id uuid PRIMARY KEY REFERENCES bookings (id),
    version integer NOT NULL DEFAULT 1,
    status text NOT NULL,
    cycle integer NOT NULL DEFAULT 1,
    attempt integer NOT NULL DEFAULT 0,
    is_on_session boolean NOT NULL DEFAULT false,
    payment_method_id text,
    setup_intent_id text,
    payment_intent_id text,
    charge_id text,
    transfer_id text,
    application_fee_id text,
    capture_before timestamptz,
    authorized_at timestamptz,
    captured_at timestamptz,
    captured_cents integer NOT NULL DEFAULT 0,
    warned_at timestamptz,
    decline_code text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT payments_setup_intent_is_unique UNIQUE (setup_intent_id),
    CONSTRAINT payments_payment_intent_is_unique UNIQUE (payment_intent_id),
    CONSTRAINT payments_status_is_known CHECK (
        status IN (
            'card_setup', 'scheduled', 'authorizing', 'authorized', 'auth_retry', 'card_required', 'action_required',
            'capturing', 'captured', 'payout_pending', 'settled', 'releasing', 'released', 'crediting', 'credited',
            'credit_only', 'auth_lost', 'collection', 'written_off', 'refunding', 'refunded', 'partially_refunded',
            'refund_failed', 'disputed', 'dispute_lost'
        )
    )
);

CREATE TABLE authorizations (
    booking_id uuid NOT NULL REFERENCES payments (booking_id),
    cycle integer NOT NULL,
    payment_intent_id text NOT NULL,
    amount_cents integer NOT NULL,
    currency text NOT NULL,
    authorized_at timestamptz NOT NULL,
    capture_before timestamptz,
    ended_at timestamptz,
    end_reason text,
    PRIMARY KEY (booking_id, cycle),
    CONSTRAINT authorizations_end_has_a_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);

CREATE TABLE stripe_operations (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    booking_id uuid,
    subject_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    params jsonb NOT NULL,
    state text NOT NULL DEFAULT 'planned',
    attempts integer NOT NULL DEFAULT 0,
    planned_at timestamptz NOT NULL,
    first_sent_at timestamptz,
    sent_at timestamptz,
    finished_at timestamptz,
    stripe_request_id text,
    error_code text,
    result jsonb,
    CONSTRAINT stripe_operations_key_is_unique UNIQUE (idempotency_key),
    CONSTRAINT stripe_operations_state_is_known CHECK (state IN ('planned', 'sent', 'succeeded', 'failed', 'unknown')),
    CONSTRAINT stripe_operations_final_has_an_end CHECK ((state IN ('succeeded', 'failed')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX stripe_operations_one_open ON stripe_operations (booking_id) WHERE state IN ('planned', 'sent', 'unknown');
CREATE INDEX stripe_operations_open ON stripe_operations (planned_at) WHERE state IN ('planned', 'sent', 'unknown');
CREATE INDEX stripe_operations_by_booking ON stripe_operations (booking_id);

CREATE TABLE stripe_events (
    id text PRIMARY KEY,
    type text NOT NULL,
    account text,
    object_id text,
    api_version text,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'received',
    attempts integer NOT NULL DEFAULT 0,
    received_at timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    worked_at timestamptz,
    error text,
    CONSTRAINT stripe_events_state_is_known CHECK (state IN ('received', 'worked', 'quarantined')),
    CONSTRAINT stripe_events_final_has_an_end CHECK ((state = 'received') = (worked_at IS NULL))
);
CREATE INDEX stripe_events_waiting ON stripe_events (next_attempt_at) WHERE state = 'received';

CREATE TABLE credit_lots (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    source text NOT NULL,
    booking_id uuid REFERENCES bookings (id),
    granted_cents integer NOT NULL,
    remaining_cents integer NOT NULL,
    currency text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    expired_at timestamptz,
    CONSTRAINT credit_lots_source_is_known CHECK (source IN ('cancellation', 'goodwill', 'referral', 'no_show', 'package', 'gift')),
    CONSTRAINT credit_lots_one_per_booking UNIQUE (booking_id, source),
    CONSTRAINT credit_lots_remain_within_grant CHECK (remaining_cents BETWEEN 0 AND granted_cents),
    CONSTRAINT credit_lots_expired_are_empty CHECK (expired_at IS NULL OR remaining_cents = 0)
);
CREATE INDEX credit_lots_by_user ON credit_lots (user_id, expires_at) WHERE remaining_cents > 0;

CREATE TABLE ledger_entries (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    dedupe_key text NOT NULL,
    booking_id uuid,
    user_ids uuid[] NOT NULL DEFAULT '{}',
    effective_at timestamptz NOT NULL,
    source text NOT NULL,
    CONSTRAINT ledger_entries_are_posted_once UNIQUE (dedupe_key)
);
CREATE INDEX ledger_entries_by_booking ON ledger_entries (booking_id);
CREATE INDEX ledger_entries_by_time ON ledger_entries (effective_at, id);

CREATE TABLE ledger_lines (
    entry_id uuid NOT NULL REFERENCES ledger_entries (id),
    line integer NOT NULL,
    account text NOT NULL,
    amount_cents bigint NOT NULL,
    currency text NOT NULL,
    balance_transaction_id text,
    PRIMARY KEY (entry_id, line),
    CONSTRAINT ledger_lines_move_something CHECK (amount_cents <> 0),
    CONSTRAINT ledger_lines_account_is_known CHECK (
        account ~ '^(SP|DSP|REV|IPF|BRK|CRX|XPR|XIP|XDF|XCN|XGW|XLS|BNK|(SC|WAL|CLR|CRA|CRR|PAY):[A-Za-z0-9_-]+)$'
    )
);
CREATE UNIQUE INDEX ledger_lines_one_per_balance_transaction
    ON ledger_lines (balance_transaction_id, account) WHERE balance_transaction_id IS NOT NULL;
CREATE INDEX ledger_lines_by_account ON ledger_lines (account, entry_id);

CREATE TABLE ledger_balances (
    account text PRIMARY KEY,
    balance_cents bigint NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT ledger_balances_owe_nothing_negative CHECK (account !~ '^(CRA|CRR|PAY):' OR balance_cents <= 0)
);

CREATE FUNCTION ledger_lines_balance() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
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
CREATE TRIGGER ledger_lines_balance AFTER INSERT ON ledger_lines
    REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION ledger_lines_balance();

CREATE FUNCTION is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: corrections are new rows', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_entries_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION is_append_only();
CREATE TRIGGER ledger_lines_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_lines
    FOR EACH STATEMENT EXECUTE FUNCTION is_append_only();
CREATE TRIGGER booking_events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON booking_events
    FOR EACH STATEMENT EXECUTE FUNCTION is_append_only();

GRANT USAGE ON SCHEMA public TO instainstru_app, instainstru_reads;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO instainstru_app, instainstru_reads;
GRANT INSERT, UPDATE, DELETE ON
    users, sessions, session_tokens, learners, instructors, services, rate_limits, idempotency_keys,
    calendars, availability_rules, availability_exceptions, bookings, timings, outbox,
    payment_methods, payments, authorizations, stripe_operations, stripe_events, credit_lots
    TO instainstru_app;
GRANT INSERT ON booking_events, ledger_entries, ledger_lines TO instainstru_app;
REVOKE SELECT ON idempotency_keys, rate_limits FROM instainstru_reads;
