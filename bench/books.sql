-- A year of taught lessons: eleven lines of the ledger each, and the four transactions of Stripe beside them.
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.id(sort text, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
    AS $$ SELECT md5(sort || n)::uuid $$;
CREATE FUNCTION pg_temp.id_at(at timestamptz, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
    AS $$ SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || '8' || lpad(to_hex(n), 15, '0'))::uuid $$;

INSERT INTO users (id, email, password_hash, display_name, time_zone, roles, created_at)
SELECT pg_temp.id('u', n), 'u' || n || '@example.org', 'x', 'U' || n, 'UTC', '{student}', '{now}'
FROM generate_series(1, 12000) n;
INSERT INTO instructors (id, stripe_account_id, is_published, has_transfers, has_payouts, created_at)
SELECT pg_temp.id('u', 10000 + n), 'acct_' || n, true, true, true, '{now}'
FROM generate_series(1, 2000) n;
CREATE TEMPORARY TABLE taught AS
SELECT n, timestamptz '{now}' - ({lessons} - n) * (interval '365 days' / {lessons}) AS at,
    pg_temp.id('b', n) AS id, pg_temp.id('u', 1 + n % 10000) AS student_id,
    pg_temp.id('u', 10001 + n % 2000) AS instructor_id, 'SC:acct_' || (1 + n % 2000) AS connected
FROM generate_series(1, {lessons}) n;
INSERT INTO bookings (id, instructor_id, student_id, learner_id, service_id, start_at, end_at,
    time_zone, start_local, tzdb_version, buffer_before_minutes, buffer_after_minutes, modality,
    status, ended_at, created_at, price_cents, fee_bps, platform_fee_cents, instructor_amount_cents,
    card_amount_cents, destination_cents, application_fee_cents, policy_version)
SELECT id, instructor_id, student_id, student_id, id, at - interval '25 hours', at - interval '24 hours', 'UTC', 'x', 'x',
    0, 0, 'online', 'completed', at - interval '24 hours', at - interval '9 days', 10000, 1500, 1500, 8500, 10000, 8500,
    1500, 1
FROM taught;
INSERT INTO payments (booking_id, status, payment_intent_id, captured_cents, created_at, updated_at)
SELECT id, 'settled', 'pi_' || n, 10000, at, at FROM taught;
INSERT INTO booking_events (id, booking_id, instructor_id, event, actor_kind, cause, at)
SELECT pg_temp.id('e' || k, n), id, instructor_id, 'payment.settled', 'system', 'x', at
FROM taught, generate_series(1, 6) k;
INSERT INTO ledger_entries (id, kind, dedupe_key, booking_id, user_ids, effective_at, source)
SELECT pg_temp.id_at(at, 3 * n + k), kind, id || ':1:' || kind, id, ARRAY[student_id, instructor_id], at, 'ch_' || n
FROM taught, unnest('{charge,transfer,application_fee}'::text[]) WITH ORDINALITY AS kinds (kind, k);
INSERT INTO ledger_lines (entry_id, line, account, amount_cents, currency, balance_transaction_id)
SELECT pg_temp.id_at(t.at, 3 * t.n + l.k), l.line, l.account, l.cents, 'usd', l.transaction
FROM taught t, LATERAL (VALUES
    (1, 1, 'SP', 9680, 'txn_c' || t.n), (1, 2, 'XPR', 320, NULL), (1, 3, 'CLR:' || t.id, -10000, NULL),
    (2, 1, 'SP', -10000, 'txn_t' || t.n), (2, 2, t.connected, 10000, 'txn_p' || t.n), (2, 3, 'CLR:' || t.id, 10000, NULL),
    (2, 4, 'WAL:' || t.instructor_id, -10000, NULL), (3, 1, t.connected, -1500, NULL), (3, 2, 'SP', 1500, 'txn_f' || t.n),
    (3, 3, 'WAL:' || t.instructor_id, 1500, NULL), (3, 4, 'REV', -1500, NULL)
) AS l (k, line, account, cents, transaction);
INSERT INTO balance_transactions (account, id, kind, amount_cents, fee_cents, application_fee_cents, net_cents,
    leg_cents, is_reserve, currency, source, created_at, kept_at)
SELECT b.account, b.id, b.kind, b.amount, b.fee, b.application_fee, b.amount - b.fee, b.leg, false, 'usd', b.source, t.at, t.at
FROM taught t, LATERAL (VALUES
    ('SP', 'txn_c' || t.n, 'charge', 10000, 320, 0, 9680, 'ch_' || t.n),
    ('SP', 'txn_t' || t.n, 'transfer', -10000, 0, 0, -10000, 'tr_' || t.n),
    ('SP', 'txn_f' || t.n, 'application_fee', 1500, 0, 0, 1500, 'fee_' || t.n),
    (t.connected, 'txn_p' || t.n, 'payment', 10000, 1500, 1500, 10000, 'py_' || t.n)
) AS b (account, id, kind, amount, fee, application_fee, leg, source);
INSERT INTO ledger_balances (account, balance_cents)
SELECT account, sum(amount_cents) FROM ledger_lines WHERE account ~ '^(SC|WAL):' GROUP BY account;
INSERT INTO reconciliation_accounts (account, stripe_cents, looked_at)
SELECT account, sum(net_cents), '{now}' FROM balance_transactions GROUP BY account;
INSERT INTO credit_lots (id, user_id, source, granted_cents, remaining_cents, currency, created_at, expires_at)
SELECT pg_temp.id('l', n), pg_temp.id('u', 1 + n % 10000), 'goodwill', 1000, 1000, 'usd', '{now}', '{now}'
FROM generate_series(1, 20000) n;
INSERT INTO ledger_balances (account, balance_cents)
SELECT 'CRA:' || user_id, -sum(remaining_cents) FROM credit_lots GROUP BY user_id;
INSERT INTO ledger_entries (id, kind, dedupe_key, user_ids, effective_at, source)
SELECT pg_temp.id_at('{now}'::timestamptz - interval '10 days', 1000000 + n), 'credit_granted', 'g' || n, '{}', '{now}', 'x' || n
FROM generate_series(1, 20000) n;
INSERT INTO ledger_lines (entry_id, line, account, amount_cents, currency)
SELECT pg_temp.id_at('{now}'::timestamptz - interval '10 days', 1000000 + n), k,
    CASE k WHEN 1 THEN 'XGW' ELSE 'CRA:' || pg_temp.id('u', 1 + n % 10000) END, CASE k WHEN 1 THEN 1000 ELSE -1000 END, 'usd'
FROM generate_series(1, 20000) n, generate_series(1, 2) k;
SET session_replication_role = origin;
ANALYZE;
