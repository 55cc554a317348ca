-- Stripe's balance transactions beside our ledger, what differs between the two, and admins' deeds.
CREATE TABLE balance_transactions (
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
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account, id),
    CONSTRAINT balance_transactions_account_is_stripes CHECK (account ~ '^(SP|SC:[A-Za-z0-9_-]+)$')
);
CREATE TRIGGER balance_transactions_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON balance_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION is_append_only();

CREATE TABLE reconciliation_watermarks (
    account text PRIMARY KEY,
    seen_until timestamptz NOT NULL
);

CREATE TABLE reconciliation_runs (
    id uuid PRIMARY KEY,
    cause text NOT NULL,
    started_at timestamptz NOT NULL,
    started_wall_at timestamptz NOT NULL,
    finished_at timestamptz,
    accounts integer NOT NULL DEFAULT 0,
    unseen_accounts text[] NOT NULL DEFAULT '{}',
    unseen_checks text[] NOT NULL DEFAULT '{}',
    ingested integer NOT NULL DEFAULT 0,
    posted integer NOT NULL DEFAULT 0,
    differences integer NOT NULL DEFAULT 0,
    available_cents bigint
);
CREATE INDEX reconciliation_runs_begun ON reconciliation_runs (started_wall_at DESC);
CREATE INDEX reconciliation_runs_finished ON reconciliation_runs (started_wall_at DESC) WHERE finished_at IS NOT NULL;

CREATE TABLE reconciliation_incidents (
    id uuid PRIMARY KEY,
    check_name text NOT NULL,
    subject text NOT NULL,
    account text NOT NULL,
    difference_cents bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT reconciliation_incidents_check_is_known CHECK (
        check_name IN (
            'books_unreadable', 'leg_missing', 'leg_unknown', 'leg_differs', 'sum_differs', 'balance_differs',
            'own_money_differs', 'transit_open', 'credit_differs', 'revenue_differs', 'ledger_unbalanced'
        )
    )
);
CREATE UNIQUE INDEX reconciliation_incidents_one_open ON reconciliation_incidents (check_name, subject) WHERE closed_at IS NULL;
CREATE INDEX reconciliation_incidents_by_time ON reconciliation_incidents (opened_at, id);

CREATE TABLE admin_actions (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_id uuid NOT NULL REFERENCES users (id),
    action text NOT NULL,
    subject text NOT NULL,
    request_id text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX admin_actions_by_time ON admin_actions (at, id);
CREATE TRIGGER admin_actions_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON admin_actions
    FOR EACH STATEMENT EXECUTE FUNCTION is_append_only();

CREATE INDEX stripe_operations_tried ON stripe_operations (finished_at) WHERE kind = 'confirm_intent';
CREATE INDEX booking_events_by_time ON booking_events (at, id);
CREATE INDEX stripe_events_by_time ON stripe_events (received_at, id);

GRANT SELECT ON
    balance_transactions, reconciliation_watermarks, reconciliation_runs, reconciliation_incidents, admin_actions
    TO instainstru_app, instainstru_reads;
GRANT INSERT ON balance_transactions, admin_actions TO instainstru_app;
GRANT INSERT, UPDATE ON reconciliation_watermarks, reconciliation_runs, reconciliation_incidents TO instainstru_app;
