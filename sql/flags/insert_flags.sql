-- Notes what somebody should look at about students, once a booking.
INSERT INTO flags (id, user_id, kind, booking_id, at)
SELECT f.id, f.user_id, f.kind, f.booking_id, :now
FROM unnest(:ids::uuid[], :user_ids::uuid[], :kinds::text[], :booking_ids::uuid[]) AS f (id, user_id, kind, booking_id)
ON CONFLICT (booking_id, kind) DO NOTHING
