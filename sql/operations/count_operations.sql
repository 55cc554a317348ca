-- How many operations of a kind a booking has had.
SELECT count(*)::integer FROM stripe_operations WHERE booking_id = :booking_id AND kind = :kind
