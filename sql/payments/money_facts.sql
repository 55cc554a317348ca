-- What money work needs to know of a booking, its people and its card.
SELECT
    b.id AS booking_id, b.instructor_id, b.student_id, b.status, b.outcome, b.start_at, b.end_at,
    b.hold_expires_at, b.started_at, b.currency, b.policy_version, b.instructor_amount_cents,
    b.card_amount_cents, b.destination_cents, b.application_fee_cents, b.top_up_cents,
    i.stripe_account_id, u.stripe_customer_id,
    CASE
        WHEN p.payment_method_id IS NULL THEN 'none'
        WHEN m.id IS NULL THEN 'new'
        WHEN m.detached_at IS NOT NULL OR m.user_id <> b.student_id THEN 'detached'
        WHEN m.refused_at IS NOT NULL THEN 'refused'
        ELSE 'attached'
    END AS method_state,
    r.id AS refund_id, coalesce(r.amount_cents, 0) AS refund_cents,
    coalesce(r.reverses_transfer, true) AS refund_reverses,
    coalesce((
        SELECT sum(g.amount_cents) FROM refunds g
        WHERE g.booking_id = b.id AND g.state IN ('pending', 'succeeded')
    ), 0)::integer AS refunded_cents,
    greatest(0, -coalesce((
        SELECT sum(l.amount_cents) FROM ledger_lines l WHERE l.account = 'CLR:' || b.id
    ), 0))::integer AS owed_back_cents,
    least(coalesce((
        SELECT sum(d.amount_cents) FROM disputes d
        WHERE d.booking_id = b.id AND d.recovery = 'wanted'
    ), 0), greatest(0, coalesce((
        SELECT sum(l.amount_cents) FROM ledger_lines l WHERE l.account = 'CLR:' || b.id
    ), 0)))::integer AS recover_cents,
    CASE WHEN b.credit_applied_cents > 0 THEN coalesce((
        SELECT sum(c.amount_cents) FROM credit_uses c
        WHERE c.booking_id = b.id AND c.state = 'reserved'
    ), 0)::integer ELSE 0 END AS reserved_cents,
    CASE WHEN b.credit_applied_cents > 0 THEN coalesce((
        SELECT sum(c.amount_cents) FROM credit_uses c
        WHERE c.booking_id = b.id AND c.state = 'consumed'
    ), 0)::integer ELSE 0 END AS consumed_cents,
    CASE WHEN b.top_up_cents > 0 OR p.withheld_cents > 0 THEN (
        SELECT max(o.finished_at) FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.kind = 'create_transfer' AND o.state = 'failed'
            AND o.finished_at >= coalesce(i.transfers_since, '-infinity')
    ) END AS top_up_refused_at,
    CASE WHEN p.status IN ('capturing', 'crediting') THEN (
        SELECT CASE WHEN o.params ->> 'as_fee_cents' IS NULL THEN o.error_code END
        FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.kind = 'capture_intent' AND o.state = 'failed'
            AND o.params ->> 'payment_intent_id' = p.payment_intent_id
        ORDER BY o.planned_at DESC
        LIMIT 1
    ) END AS capture_refused,
    CASE WHEN p.withheld_cents > 0 THEN (
        SELECT coalesce(-sum(l.amount_cents), 0)::integer
        FROM ledger_entries e
        JOIN ledger_lines l ON l.entry_id = e.id
        WHERE e.booking_id = b.id AND l.account = 'PAY:' || b.instructor_id
    ) ELSE 0 END AS owed_cents,
    CASE WHEN p.withheld_cents > 0 THEN (
        SELECT coalesce(sum(l.amount_cents), 0)::integer
        FROM ledger_entries e
        JOIN ledger_lines l ON l.entry_id = e.id
        WHERE e.booking_id = b.id AND e.kind = 'application_fee_refunded'
            AND l.account = 'PAY:' || b.instructor_id
    ) ELSE 0 END AS shares_back_cents,
    CASE WHEN p.withheld_cents > 0 THEN (
        SELECT coalesce(-sum(l.amount_cents), 0)::integer
        FROM ledger_entries e
        JOIN ledger_lines l ON l.entry_id = e.id
        WHERE e.booking_id = b.id AND e.kind = 'application_fee_refunded' AND l.account = 'SP'
    ) ELSE 0 END AS fees_back_cents,
    CASE WHEN p.to_reverse_cents > 0 THEN (
        SELECT coalesce(sum(l.amount_cents), 0)::integer
        FROM ledger_entries e
        JOIN ledger_lines l ON l.entry_id = e.id
        WHERE e.booking_id = b.id AND e.kind = 'transfer_reversed'
            AND l.account = 'WAL:' || b.instructor_id
    ) ELSE 0 END AS reversed_cents,
    CASE WHEN p.to_reverse_cents > 0 THEN (
        SELECT max(o.finished_at) FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.kind = 'reverse_transfer' AND o.state = 'failed'
    ) END AS reversal_refused_at,
    CASE WHEN p.status = 'authorizing' THEN (
        SELECT CASE WHEN o.result ->> 'seen' = 'refused' THEN o.finished_at END FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.kind IN ('create_intent', 'confirm_intent')
        ORDER BY o.planned_at DESC, o.id DESC LIMIT 1
    ) END AS blocked_at,
    b.ended_at, n.state AS report_state,
    NOT coalesce((
        SELECT k.reverses_transfer FROM refunds k
        WHERE k.booking_id = b.id AND k.state IN ('pending', 'succeeded')
        ORDER BY k.id DESC
        LIMIT 1
    ), true) AS keeps_top_up,
    CASE WHEN b.outcome = 'credit' THEN (
        SELECT v.remaining_cents FROM credit_lots v
        WHERE v.booking_id = b.id AND v.source = 'cancellation'
    ) END AS lot_left_cents
FROM bookings b
JOIN payments p ON p.booking_id = b.id
LEFT JOIN no_show_reports n ON n.booking_id = b.id
JOIN users u ON u.id = b.student_id
JOIN instructors i ON i.id = b.instructor_id
LEFT JOIN payment_methods m ON m.id = p.payment_method_id
LEFT JOIN refunds r ON r.booking_id = b.id AND r.state = 'planned'
WHERE b.id = :booking_id
