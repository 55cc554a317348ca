-- Safety net: lessons over for long enough, and ended bookings with money at large, that no timing holds.
WITH found AS (
    SELECT b.id, b.end_at
    FROM payments p
    JOIN bookings b ON b.id = p.booking_id
    WHERE p.status IN (
            'authorizing', 'authorized', 'auth_retry', 'auth_lost', 'card_required', 'action_required',
            'capturing', 'captured', 'crediting', 'releasing', 'payout_pending', 'collection'
        )
        AND p.updated_at < :quiet_since
        AND (
            b.status IN ('cancelled', 'expired', 'no_show')
            OR (b.status = 'completed' AND (p.status IN ('payout_pending', 'collection') OR b.end_at <= :end_until))
        )
    UNION ALL
    -- what does not move has no index of its own: the bookings of the last days are looked up one by one
    SELECT b.id, b.end_at
    FROM bookings b
    WHERE b.ended_at >= :ended_since AND b.status IN ('completed', 'cancelled', 'expired', 'no_show')
        AND (b.status <> 'completed' OR b.end_at <= :end_until)
        AND (
            SELECT p.updated_at < :quiet_since AND CASE p.status
                WHEN 'card_setup' THEN true
                WHEN 'scheduled' THEN true
                WHEN 'credit_only' THEN true
                -- let go because of a move, and owed
                WHEN 'released' THEN b.status = 'completed' OR b.outcome IN ('charged', 'no_show_student')
                    OR (b.outcome = 'credit' AND p.attempt < :last_attempt)
                -- taken, and owed to nobody
                WHEN 'settled' THEN b.status <> 'completed' AND b.outcome NOT IN ('charged', 'no_show_student')
                WHEN 'partially_refunded' THEN
                    b.status <> 'completed' AND b.outcome NOT IN ('charged', 'no_show_student')
                ELSE false
            END
            FROM payments p
            WHERE p.booking_id = b.id
        )
)
SELECT f.id
FROM found f
WHERE NOT EXISTS (
        SELECT 1 FROM timings t
        WHERE t.subject_id = f.id AND t.kind IN ('capture', 'settle', 'top_up', 'write_off')
            AND t.state IN ('scheduled', 'running')
    )
    AND NOT EXISTS (
        SELECT 1 FROM stripe_operations o
        WHERE o.booking_id = f.id AND o.state IN ('planned', 'sent', 'unknown', 'parked')
    )
ORDER BY f.end_at
LIMIT :most
