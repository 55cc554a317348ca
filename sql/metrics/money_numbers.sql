-- The state of all money in a few numbers, for Prometheus.
SELECT
    (SELECT count(*) FROM stripe_operations WHERE state = 'planned') AS operations_planned,
    (SELECT count(*) FROM stripe_operations WHERE state = 'sent') AS operations_sent,
    (SELECT count(*) FROM stripe_operations WHERE state = 'unknown') AS operations_unknown,
    (SELECT count(*) FROM stripe_operations WHERE state = 'parked') AS operations_parked,
    (
        SELECT coalesce(extract(epoch FROM :now::timestamptz - min(first_sent_at)), 0)::float8
        FROM stripe_operations
        WHERE state = 'unknown'
    ) AS unknown_seconds,
    (SELECT count(*) FROM stripe_events WHERE state = 'received') AS events_waiting,
    (
        SELECT coalesce(-sum(balance_cents), 0)::bigint
        FROM ledger_balances
        WHERE account LIKE 'CRA:%' OR account LIKE 'CRR:%'
    ) AS credit_liability_cents,
    (SELECT count(*) FROM ledger_balances WHERE account LIKE 'WAL:%' AND balance_cents > 0) AS negative_instructors,
    (
        SELECT coalesce(sum(abs(difference_cents)), 0)::bigint
        FROM reconciliation_incidents
        WHERE check_name = 'ledger_unbalanced' AND closed_at IS NULL
    ) AS ledger_imbalance_cents,
    (SELECT count(*) FROM reconciliation_incidents WHERE closed_at IS NULL) AS incidents_open,
    (
        SELECT available_cents
        FROM reconciliation_runs
        WHERE finished_at IS NOT NULL
        ORDER BY started_wall_at DESC
        LIMIT 1
    ) AS platform_available_cents,
    (
        SELECT coalesce(
            count(*) FILTER (WHERE state = 'failed')::float8 / nullif(count(*), 0), 0
        )
        FROM stripe_operations
        WHERE kind = 'confirm_intent' AND finished_at > :tried_since
    ) AS auth_failure_ratio,
    (
        SELECT count(*) FROM stripe_operations WHERE kind = 'confirm_intent' AND finished_at > :tried_since
    ) AS auth_tries,
    (
        SELECT coalesce(extract(epoch FROM :now::timestamptz - min(o.finished_at)), 0)::float8
        FROM payments p
        JOIN stripe_operations o ON o.booking_id = p.booking_id
        WHERE p.status = 'payout_pending' AND o.kind = 'create_transfer' AND o.state = 'failed'
    ) AS top_ups_waiting_seconds,
    (SELECT count(*) FROM payments WHERE status = 'refund_failed') AS refunds_failed,
    (
        SELECT extract(epoch FROM :now::timestamptz - finished_at)::float8
        FROM reconciliation_runs
        WHERE finished_at IS NOT NULL
        ORDER BY started_wall_at DESC
        LIMIT 1
    ) AS recon_finished_seconds,
    (
        SELECT cardinality(unseen_accounts)
        FROM reconciliation_runs
        WHERE finished_at IS NOT NULL
        ORDER BY started_wall_at DESC
        LIMIT 1
    ) AS recon_unseen,
    (
        SELECT count(*) FROM stripe_events
        WHERE type = 'payout.failed' AND account IS NULL AND received_at > :failed_since
    ) AS platform_payouts_failed
