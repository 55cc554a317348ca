-- Bookings whose money waits until this account may receive transfers, the oldest first.
SELECT b.id
FROM instructors i
JOIN bookings b ON b.instructor_id = i.id
JOIN payments p ON p.booking_id = b.id
WHERE i.stripe_account_id = :stripe_account_id
    AND (
        p.status IN ('capturing', 'crediting', 'payout_pending')
        OR (p.status IN ('partially_refunded', 'dispute_lost') AND p.withheld_cents > 0 AND p.top_up_id IS NULL)
    )
ORDER BY b.end_at
LIMIT :most
