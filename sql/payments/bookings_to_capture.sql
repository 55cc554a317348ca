-- Safety net: lessons over for long enough, and ended bookings with money at large, that no timing holds.
WITH found AS (
    SELECT b.id, b.end_at
    FROM payments p
    JOIN bookings b ON b.id = p.booking_id
    WHERE p.status IN (
            'authorizing', 'authorized', 'auth_retry', 'auth_lost', 'card_required', 'action_required',
            'capturing', 'captured', 'crediting', 'releasing'
        )
        AND p.updated_at < :quiet_since
        AND (
            (b.status = 'completed' AND p.status IN ('authorized', 'capturing', 'captured', 'auth_lost')
                AND b.end_at <= :end_until)
            OR (b.status IN ('cancelled', 'expired') AND p.status <> 'captured')
        )
    UNION ALL
    SELECT b.id, b.end_at
    FROM bookings b
    JOIN payments p ON p.booking_id = b.id
    WHERE b.ended_at >= :ended_since AND b.status IN ('cancelled', 'expired')
        AND p.status IN ('card_setup', 'scheduled')
        AND p.updated_at < :quiet_since
)
SELECT f.id
FROM found f
WHERE NOT EXISTS (
        SELECT 1 FROM timings t
        WHERE t.subject_id = f.id AND t.kind IN ('capture', 'settle')
            AND t.state IN ('scheduled', 'running')
    )
    AND NOT EXISTS (
        SELECT 1 FROM stripe_operations o
        WHERE o.booking_id = f.id AND o.state IN ('planned', 'sent', 'unknown', 'parked')
    )
ORDER BY f.end_at
LIMIT :most
