-- What an instructor has been paid for lessons so far, in cents.
SELECT coalesce(sum(b.instructor_amount_cents), 0)::bigint
FROM bookings b
JOIN payments p ON p.booking_id = b.id
WHERE b.instructor_id = :instructor_id AND p.status IN ('captured', 'payout_pending', 'settled')
