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
    b.schedule_version,
    p.cycle
FROM bookings b
JOIN payments p ON p.booking_id = b.id
WHERE b.id = ANY(:booking_ids::uuid[])
ORDER BY b.id
