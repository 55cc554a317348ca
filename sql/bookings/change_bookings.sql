-- Changes the status of locked bookings; leaves out those whose payment does not allow it.
UPDATE bookings b
SET
    version = b.version + 1,
    status = c.status,
    outcome = CASE WHEN p.authorized_at IS NULL THEN c.outcome ELSE c.outcome_if_authorized END,
    hold_expires_at = coalesce(c.hold_expires_at, b.hold_expires_at),
    confirmed_at = CASE WHEN c.status = 'confirmed' THEN coalesce(b.confirmed_at, c.at) ELSE b.confirmed_at END,
    started_at = CASE WHEN c.is_start THEN coalesce(b.started_at, c.at) ELSE b.started_at END,
    ended_at = CASE
        WHEN c.status IN ('completed', 'cancelled', 'expired', 'no_show') THEN coalesce(b.ended_at, c.at)
    END,
    cancelled_at = CASE WHEN c.status = 'cancelled' THEN c.at END,
    cancelled_by = c.cancelled_by,
    cancel_reason = c.cancel_reason
FROM unnest(
    :ids::uuid[], :statuses::text[], :guards::text[], :outcomes::text[], :outcomes_if_authorized::text[],
    :holds_expire_at::timestamptz[], :are_starts::boolean[], :ats::timestamptz[], :cancelled_by::uuid[],
    :cancel_reasons::text[]
) AS c (
    id, status, guard, outcome, outcome_if_authorized, hold_expires_at, is_start, at, cancelled_by, cancel_reason
)
JOIN payments p ON p.booking_id = c.id
WHERE b.id = c.id AND CASE c.guard
    WHEN 'payable' THEN p.status IN ('scheduled', 'authorized', 'credit_only')
    WHEN 'secured' THEN p.status IN (
        'authorized', 'credit_only', 'captured', 'payout_pending', 'settled', 'partially_refunded', 'disputed'
    )
    WHEN 'unpaid' THEN p.status NOT IN (
        'authorized', 'credit_only', 'captured', 'payout_pending', 'settled', 'partially_refunded', 'disputed'
    )
    ELSE true
END
RETURNING
    b.id,
    b.version,
    b.instructor_id,
    b.student_id,
    b.service_id,
    b.series_id,
    b.learner_id,
    b.start_at,
    b.end_at,
    b.time_zone,
    b.modality,
    b.status,
    b.outcome,
    p.status AS payment_status,
    b.price_cents,
    b.credit_applied_cents,
    b.card_amount_cents,
    b.platform_fee_cents,
    b.instructor_amount_cents,
    b.currency,
    -- kept in the row for life (limits count holds made), shown while it means something
    CASE WHEN b.status IN ('pending', 'expired') THEN b.hold_expires_at END AS hold_expires_at,
    b.created_at,
    b.cancelled_at,
    b.cancelled_by,
    b.schedule_version,
    b.started_at IS NOT NULL AS is_started,
    p.cycle,
    p.attempt,
    p.warned_at IS NOT NULL AS is_warned,
    p.capture_before,
    p.authorized_at,
    b.ended_at,
    (SELECT n.state FROM no_show_reports n WHERE n.booking_id = b.id) AS report_state,
    (SELECT n.upheld_at FROM no_show_reports n WHERE n.booking_id = b.id) AS report_upheld_at
