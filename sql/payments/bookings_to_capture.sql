-- Safety net: lessons over for long enough, and ended bookings with money at large, that no timing holds.
SELECT b.id
FROM bookings b
JOIN payments p ON p.booking_id = b.id
WHERE (
        (b.status = 'completed' AND p.status IN ('authorized', 'capturing', 'captured', 'auth_lost')
            AND b.end_at <= :end_until)
        OR (b.status IN ('cancelled', 'expired') AND p.status IN (
            'card_setup', 'scheduled', 'authorizing', 'authorized', 'auth_retry', 'card_required',
            'action_required', 'auth_lost', 'capturing', 'crediting', 'releasing'
        ))
    )
    AND p.updated_at < :quiet_since
    AND NOT EXISTS (
        SELECT 1 FROM timings t
        WHERE t.subject_id = b.id AND t.kind IN ('capture', 'settle')
            AND t.state IN ('scheduled', 'running')
    )
    AND NOT EXISTS (
        SELECT 1 FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.state IN ('planned', 'sent', 'unknown')
    )
ORDER BY b.end_at
LIMIT :most
