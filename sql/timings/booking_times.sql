-- What the timings of bookings are computed from.
SELECT
    b.id AS booking_id,
    b.status,
    p.status AS payment_status,
    b.start_at,
    b.end_at,
    b.hold_expires_at,
    b.started_at IS NOT NULL AS is_started,
    p.attempt,
    p.warned_at IS NOT NULL AS is_warned,
    CASE WHEN (b.top_up_cents > 0 OR p.withheld_cents > 0) AND p.top_up_id IS NULL THEN (
        SELECT max(o.finished_at) FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.kind = 'create_transfer' AND o.state = 'failed'
            AND o.finished_at >= coalesce((
                SELECT i.transfers_since FROM instructors i WHERE i.id = b.instructor_id
            ), '-infinity')
    ) END AS top_up_refused_at,
    (b.top_up_cents > 0 OR p.withheld_cents > 0) AND p.top_up_id IS NULL AND (
        CASE WHEN p.withheld_cents > 0 THEN (
            SELECT coalesce(sum(l.amount_cents), 0) < 0
            FROM ledger_entries e
            JOIN ledger_lines l ON l.entry_id = e.id
            WHERE e.booking_id = b.id AND l.account = 'PAY:' || b.instructor_id
        ) ELSE EXISTS (
            SELECT 1 FROM credit_uses c WHERE c.booking_id = b.id AND c.state = 'consumed'
        ) END
    ) AS is_top_up_owed,
    CASE WHEN p.to_reverse_cents > 0 AND NOT EXISTS (
        SELECT 1 FROM ledger_entries e WHERE e.booking_id = b.id AND e.kind = 'transfer_reversed'
    ) THEN coalesce((
        SELECT max(o.finished_at) FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.kind = 'reverse_transfer' AND o.state = 'failed'
    ), p.captured_at) END AS reversal_tried_at,
    b.outcome,
    p.capture_before,
    p.authorized_at,
    b.ended_at,
    n.state AS report_state,
    n.upheld_at AS report_upheld_at,
    CASE WHEN p.status = 'authorizing' THEN (
        SELECT CASE WHEN o.result ->> 'seen' = 'refused' THEN o.finished_at END FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.kind IN ('create_intent', 'confirm_intent')
        ORDER BY o.planned_at DESC, o.id DESC LIMIT 1
    ) END AS blocked_at,
    b.schedule_version,
    p.cycle
FROM bookings b
JOIN payments p ON p.booking_id = b.id
LEFT JOIN no_show_reports n ON n.booking_id = b.id
WHERE b.id = ANY(:booking_ids::uuid[])
ORDER BY b.id
