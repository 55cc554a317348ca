-- What open chargebacks may still take from an instructor.
SELECT coalesce(sum(d.amount_cents), 0)::bigint
FROM disputes d
JOIN bookings b ON b.id = d.booking_id
WHERE b.instructor_id = :instructor_id AND d.closed_at IS NULL
