-- Locks bookings by id: the third lock; who wants their payments too takes this one first.
SELECT id, status
FROM bookings
WHERE id = ANY(:booking_ids::uuid[])
ORDER BY id
FOR NO KEY UPDATE
