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
    coalesce((
        SELECT sum(d.amount_cents) FROM disputes d
        WHERE d.booking_id = b.id AND d.recovery = 'wanted'
    ), 0)::integer AS recover_cents,
    CASE WHEN b.credit_applied_cents > 0 THEN coalesce((
        SELECT sum(c.amount_cents) FROM credit_uses c
        WHERE c.booking_id = b.id AND c.state = 'reserved'
    ), 0)::integer ELSE 0 END AS reserved_cents,
    CASE WHEN b.credit_applied_cents > 0 THEN coalesce((
        SELECT sum(c.amount_cents) FROM credit_uses c
        WHERE c.booking_id = b.id AND c.state = 'consumed'
    ), 0)::integer ELSE 0 END AS consumed_cents,
    CASE WHEN b.top_up_cents > 0 THEN (
        SELECT max(o.finished_at) FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.kind = 'create_transfer' AND o.state = 'failed'
    ) END AS top_up_refused_at,
    b.ended_at, n.state AS report_state
FROM bookings b
JOIN payments p ON p.booking_id = b.id
LEFT JOIN no_show_reports n ON n.booking_id = b.id
JOIN users u ON u.id = b.student_id
JOIN instructors i ON i.id = b.instructor_id
LEFT JOIN payment_methods m ON m.id = p.payment_method_id
LEFT JOIN refunds r ON r.booking_id = b.id AND r.state = 'planned'
WHERE b.id = :booking_id
