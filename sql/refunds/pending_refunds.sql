-- Bookings with refunds that Stripe has not ended, the oldest first, those after one.
SELECT id, booking_id
FROM refunds
WHERE state = 'pending' AND (:after_id::uuid IS NULL OR id > :after_id)
ORDER BY id
LIMIT :most
