-- Locks a booking and its payment for money work, in the house's order of locks.
SELECT b.id
FROM bookings b
JOIN payments p ON p.booking_id = b.id
WHERE b.id = :booking_id
FOR NO KEY UPDATE OF b, p
