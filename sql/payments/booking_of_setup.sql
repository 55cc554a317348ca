-- The booking for which this setup intent saves a card.
SELECT booking_id FROM payments WHERE setup_intent_id = :setup_intent_id
