-- Safety net: saved cards whose hour has come and that no timing will authorise.
SELECT b.id
FROM bookings b
JOIN payments p ON p.booking_id = b.id
WHERE b.status = 'confirmed' AND p.status = 'scheduled' AND b.start_at <= :start_until
    AND NOT EXISTS (
        SELECT 1 FROM timings t
        WHERE t.subject_id = b.id AND t.kind = 'authorize' AND t.state IN ('scheduled', 'running')
    )
ORDER BY b.start_at
LIMIT :most
