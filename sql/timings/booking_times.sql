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
    CASE WHEN b.top_up_cents > 0 AND p.top_up_id IS NULL THEN (
        SELECT max(o.finished_at) FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.kind = 'create_transfer' AND o.state = 'failed'
    ) END AS top_up_refused_at,
    b.outcome,
    p.capture_before,
    p.authorized_at,
    b.ended_at,
    n.state AS report_state,
    n.upheld_at AS report_upheld_at,
    b.schedule_version,
    p.cycle
FROM bookings b
JOIN payments p ON p.booking_id = b.id
LEFT JOIN no_show_reports n ON n.booking_id = b.id
WHERE b.id = ANY(:booking_ids::uuid[])
ORDER BY b.id
