-- Gives locked bookings another time, under a new schedule version; the constraints have the last word.
UPDATE bookings b
SET
    version = b.version + 1,
    start_at = c.start_at,
    end_at = c.end_at,
    start_local = c.start_local,
    time_zone = c.time_zone,
    tzdb_version = :tzdb_version,
    buffer_before_minutes = c.buffer_before,
    buffer_after_minutes = c.buffer_after,
    schedule_version = b.schedule_version + 1,
    original_start_at = coalesce(b.original_start_at, b.start_at),
    moves = c.moves,
    late_moves = c.late_moves,
    sticky_lead_seconds = c.sticky_lead_seconds
FROM unnest(
    :ids::uuid[], :start_ats::timestamptz[], :end_ats::timestamptz[], :start_locals::text[], :time_zones::text[],
    :buffers_before::integer[], :buffers_after::integer[], :moves::integer[], :late_moves::integer[],
    :sticky_leads::bigint[]
) AS c (
    id, start_at, end_at, start_local, time_zone, buffer_before, buffer_after, moves, late_moves, sticky_lead_seconds
)
JOIN payments p ON p.booking_id = c.id
WHERE b.id = c.id AND b.status = 'confirmed'
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
    NULL::timestamptz AS hold_expires_at,
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
    NULL::text AS report_state,
    NULL::timestamptz AS report_upheld_at
