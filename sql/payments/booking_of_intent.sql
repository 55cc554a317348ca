-- The booking whose payment runs on this payment intent now.
SELECT booking_id FROM payments WHERE payment_intent_id = :payment_intent_id
