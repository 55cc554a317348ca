-- What of the books is proved, so that an hourly run looks only at what is newer; checks of what is owed and held.
ALTER TABLE balance_transactions ADD COLUMN kept_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE balance_transactions ALTER COLUMN kept_at DROP DEFAULT;
CREATE INDEX balance_transactions_by_kept ON balance_transactions (kept_at);
CREATE INDEX ledger_entries_by_source ON ledger_entries (source);
CREATE INDEX credit_lots_open ON credit_lots (user_id) INCLUDE (remaining_cents) WHERE remaining_cents > 0;
CREATE INDEX credit_uses_reserved ON credit_uses (lot_id) INCLUDE (amount_cents) WHERE state = 'reserved';
CREATE INDEX credit_lots_expired ON credit_lots (expired_at) WHERE expired_at IS NOT NULL;

CREATE TABLE reconciliation_accounts (
    account text PRIMARY KEY,
    stripe_cents bigint NOT NULL DEFAULT 0,
    ledger_cents bigint NOT NULL DEFAULT 0,
    looked_at timestamptz
);
INSERT INTO reconciliation_accounts (account, stripe_cents)
SELECT account, coalesce(sum(net_cents) FILTER (WHERE NOT is_reserve), 0) FROM balance_transactions GROUP BY account;

CREATE TABLE reconciliation_proof (
    is_single boolean PRIMARY KEY DEFAULT true,
    until_id uuid NOT NULL,
    until_at timestamptz NOT NULL,
    CONSTRAINT reconciliation_proof_is_one CHECK (is_single)
);

ALTER TABLE reconciliation_incidents
    DROP CONSTRAINT reconciliation_incidents_check_is_known,
    ADD CONSTRAINT reconciliation_incidents_check_is_known CHECK (
        check_name IN (
            'books_unreadable', 'leg_missing', 'leg_unknown', 'leg_differs', 'sum_differs', 'balance_differs',
            'own_money_differs', 'transit_open', 'credit_differs', 'revenue_differs', 'ledger_unbalanced',
            'top_up_differs', 'dispute_differs', 'expired_differs'
        )
    );

GRANT SELECT ON reconciliation_accounts, reconciliation_proof TO instainstru_app, instainstru_reads;
GRANT INSERT, UPDATE ON reconciliation_accounts, reconciliation_proof TO instainstru_app;
