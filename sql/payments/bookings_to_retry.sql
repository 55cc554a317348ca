-- Safety net: authorizations left half-way that neither a timing nor an open operation will finish.
SELECT b.id
FROM bookings b
JOIN payments p ON p.booking_id = b.id
WHERE b.status = 'confirmed'
    AND p.status IN ('auth_retry', 'authorizing', 'auth_lost', 'card_required', 'action_required', 'releasing')
    AND p.updated_at < :quiet_since
    AND NOT EXISTS (
        SELECT 1 FROM timings t
        WHERE t.subject_id = b.id AND t.state IN ('scheduled', 'running')
            AND t.kind = ANY (CASE
                WHEN p.status IN ('auth_retry', 'authorizing', 'auth_lost') THEN '{authorize}'::text[]
                WHEN p.status = 'releasing' THEN '{settle}'
                ELSE '{cancel_unpaid, complete, settle}'
            END)
    )
    AND NOT EXISTS (
        SELECT 1 FROM stripe_operations o
        WHERE o.booking_id = b.id AND o.state IN ('planned', 'sent', 'unknown', 'parked')
    )
ORDER BY b.start_at
LIMIT :most
