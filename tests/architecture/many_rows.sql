-- A marketplace a year old: 50 000 bookings and what they left behind, for EXPLAIN.
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.id(sort text, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
    AS $$ SELECT md5(sort || n)::uuid $$;
CREATE FUNCTION pg_temp.today() RETURNS timestamptz IMMUTABLE LANGUAGE sql
    AS $$ SELECT timestamptz '2026-03-01 00:00+00' $$;

INSERT INTO users (id, email, password_hash, display_name, time_zone, roles, created_at,
    stripe_customer_id)
SELECT pg_temp.id('u', n), 'u' || n || '@example.org', 'x', 'U' || n, 'UTC', '{student}', pg_temp.today(),
    'cus_' || n
FROM generate_series(1, 6000) n;
INSERT INTO learners (id, student_id, display_name, created_at)
SELECT pg_temp.id('u', n), pg_temp.id('u', n), 'U' || n, pg_temp.today()
FROM generate_series(1, 5000) n;
INSERT INTO instructors (id, stripe_account_id, is_published, has_transfers, has_payouts, created_at)
SELECT pg_temp.id('u', 5000 + n), 'acct_' || n, true, true, true, pg_temp.today()
FROM generate_series(1, 1000) n;
INSERT INTO calendars (instructor_id, time_zone) SELECT id, 'UTC' FROM instructors;
INSERT INTO availability_rules (instructor_id, weekday, opens_minute, closes_minute)
SELECT id, d, 540, 1020 FROM instructors, generate_series(0, 6) d;
INSERT INTO services (id, instructor_id, skill, title, hourly_rate_cents, durations_minutes,
    modalities, created_at)
SELECT pg_temp.id('v', n), pg_temp.id('u', 5000 + 1 + n % 1000),
    (SELECT slug FROM skills ORDER BY slug OFFSET n % 30 LIMIT 1), 'T', 5000, '{60}', '{online}', pg_temp.today()
FROM generate_series(1, 3000) n;

INSERT INTO sessions (id, user_id, kind, user_agent, created_at, expires_at, ended_at, end_reason)
SELECT pg_temp.id('s', n), pg_temp.id('u', 1 + n % 5000), 'cookie', 'x', pg_temp.today(), pg_temp.today(),
    CASE WHEN n % 3 > 0 THEN pg_temp.today() - n * interval '1 minute' END,
    CASE WHEN n % 3 > 0 THEN 'logout' END
FROM generate_series(1, 20000) n;
INSERT INTO session_tokens (token_hash, session_id, created_at, expires_at)
SELECT sha256(n::text::bytea), pg_temp.id('s', n), pg_temp.today(), pg_temp.today() FROM generate_series(1, 20000) n;
INSERT INTO rate_limits (key, arrives_at)
SELECT 'k' || n, pg_temp.today() - n * interval '1 second' FROM generate_series(1, 20000) n;
INSERT INTO idempotency_keys (user_id, method, path, key, request_hash, booking_id, claimed_at,
    expires_at)
SELECT pg_temp.id('u', n % 5000), 'POST', '/api/bookings', 'k' || n, 'x', pg_temp.id('b', n), pg_temp.today(),
    pg_temp.today() + n * interval '1 second'
FROM generate_series(1, 20000) n;

INSERT INTO bookings (id, instructor_id, student_id, learner_id, service_id, start_at, end_at,
    time_zone, start_local, tzdb_version, buffer_before_minutes, buffer_after_minutes, modality,
    status, ended_at, created_at, price_cents, fee_bps, platform_fee_cents, instructor_amount_cents,
    card_amount_cents, destination_cents, application_fee_cents, policy_version)
SELECT pg_temp.id('b', n), pg_temp.id('u', 5000 + 1 + n % 1000),
    pg_temp.id('u', 1 + n % 5000), pg_temp.id('u', 1 + n % 5000), pg_temp.id('v', n % 3000),
    at, at + interval '1 hour', 'UTC', 'x', 'x', 0, 0, 'online',
    CASE WHEN at > pg_temp.today() THEN 'confirmed' ELSE 'completed' END,
    CASE WHEN at > pg_temp.today() THEN NULL ELSE at END,
    at - interval '9 days', 5000, 1500, 750, 4250, 5000, 4250, 750, 1
FROM generate_series(1, 50000) n,
    LATERAL (SELECT pg_temp.today() + interval '30 days' - n / 1000 * interval '7 days'
        - n % 24 * interval '2 hours' AS at) t;
INSERT INTO payments (booking_id, status, setup_intent_id, payment_intent_id, charge_id, created_at,
    updated_at)
SELECT id, CASE status WHEN 'confirmed' THEN 'scheduled' ELSE 'settled' END, 'seti_' || id, 'pi_' || id,
    'ch_' || id, created_at, created_at
FROM bookings;
INSERT INTO authorizations (booking_id, cycle, payment_intent_id, amount_cents, currency,
    authorized_at, ended_at, end_reason)
SELECT id, 1, 'pi_' || id, 5000, 'usd', start_at, start_at, 'captured' FROM bookings;
INSERT INTO timings (id, kind, subject_id, booking_id, due_at, state, beat_at, created_at,
    completed_at)
SELECT md5(b.id || kind)::uuid, kind, b.id, b.id, start_at,
    CASE WHEN start_at > pg_temp.today() THEN 'scheduled' ELSE 'completed' END, start_at, created_at,
    CASE WHEN start_at > pg_temp.today() THEN NULL ELSE start_at END
FROM bookings b, unnest('{authorize,start,complete,capture}'::text[]) kind;
INSERT INTO booking_events (id, booking_id, instructor_id, calendar_version, event, actor_kind,
    cause, at)
SELECT md5(b.id || event)::uuid, b.id, instructor_id, row_number() OVER (PARTITION BY instructor_id),
    event, 'system', 'x', start_at
FROM bookings b, unnest('{booking.held,booking.confirmed}'::text[]) event;
INSERT INTO outbox (id, topic, subject_id, user_ids, payload, created_at, published_at)
SELECT id, 'booking.held', id, '{}', '{}', created_at,
    CASE WHEN created_at < pg_temp.today() THEN created_at END
FROM bookings;

INSERT INTO payment_methods (id, user_id, brand, last4, exp_month, exp_year, created_at)
SELECT 'pm_' || n, pg_temp.id('u', 1 + n % 5000), 'visa', '4242', 1, 2030, pg_temp.today()
FROM generate_series(1, 10000) n;
INSERT INTO stripe_operations (id, kind, booking_id, subject_id, idempotency_key, params, state,
    planned_at, finished_at)
SELECT id, 'capture', id, id, 'k' || id, '{}',
    CASE WHEN start_at > pg_temp.today() + interval '29 days' THEN 'sent' ELSE 'succeeded' END, start_at,
    CASE WHEN start_at > pg_temp.today() + interval '29 days' THEN NULL ELSE start_at END
FROM bookings;
INSERT INTO stripe_events (id, type, object_id, payload, state, received_at, next_attempt_at,
    worked_at)
SELECT 'evt_' || id, 'x', 'pi_' || id, '{}',
    CASE WHEN start_at > pg_temp.today() + interval '29 days' THEN 'received' ELSE 'worked' END,
    start_at, start_at,
    CASE WHEN start_at > pg_temp.today() + interval '29 days' THEN NULL ELSE start_at END
FROM bookings;
INSERT INTO credit_lots (id, user_id, source, booking_id, granted_cents, remaining_cents, currency,
    created_at, expires_at, expired_at)
SELECT id, student_id, 'cancellation', id, 100, CASE WHEN start_at > pg_temp.today() THEN 100 ELSE 0 END, 'usd',
    start_at, start_at, CASE WHEN start_at > pg_temp.today() THEN NULL ELSE start_at END
FROM bookings;
INSERT INTO credit_uses (booking_id, lot_id, amount_cents, created_at)
SELECT id, id, 100, start_at FROM bookings;
INSERT INTO ledger_entries (id, kind, dedupe_key, booking_id, user_ids, effective_at, source)
SELECT id, 'capture', 'k' || id, id, ARRAY[student_id, instructor_id], start_at, 'x' FROM bookings;
INSERT INTO ledger_lines (entry_id, line, account, amount_cents, currency)
SELECT id, line, CASE line WHEN 1 THEN 'SP' WHEN 2 THEN 'REV' ELSE 'SC:' || instructor_id END, line, 'usd'
FROM bookings, generate_series(1, 3) line;
SET session_replication_role = origin;
INSERT INTO balance_transactions (account, id, kind, amount_cents, fee_cents, application_fee_cents, net_cents,
    leg_cents, is_reserve, currency, created_at, kept_at)
SELECT 'SP', 'txn_' || n, 'charge', 5000, 175, 0, 4825, 4825, false, 'usd', at, at
FROM generate_series(1, 50000) n, LATERAL (SELECT pg_temp.today() - n * interval '1 minute' AS at) t;
INSERT INTO reconciliation_runs (id, cause, started_at, started_wall_at, finished_at)
SELECT pg_temp.id('r', n), 'hourly', at, at, at
FROM generate_series(1, 9000) n, LATERAL (SELECT pg_temp.today() - n * interval '1 hour' AS at) t;
INSERT INTO reconciliation_incidents (id, check_name, subject, account, difference_cents, opened_at, seen_at, closed_at)
SELECT pg_temp.id('i', n), 'leg_missing', 'txn_' || n, 'SP', 1, at, at, CASE WHEN n > 5 THEN at END
FROM generate_series(1, 5000) n, LATERAL (SELECT pg_temp.today() - n * interval '1 hour' AS at) t;
INSERT INTO admin_actions (id, at, actor_id, action, subject, request_id)
SELECT pg_temp.id('a', n), pg_temp.today() - n * interval '1 minute', pg_temp.id('u', 1), 'webhook.replay', 'evt_' || n, 'x'
FROM generate_series(1, 20000) n;
ANALYZE;
