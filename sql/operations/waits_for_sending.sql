-- Whether a booking's open write was not sent yet, or Stripe did not take our key for it.
SELECT EXISTS (
    SELECT 1 FROM stripe_operations
    WHERE booking_id = :booking_id
        AND (state = 'planned' OR (state IN ('sent', 'unknown') AND error_code = :error_code))
)
