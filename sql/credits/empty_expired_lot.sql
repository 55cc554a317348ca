-- Takes what is left out of a lot that is over.
UPDATE credit_lots SET remaining_cents = 0, expired_at = :now WHERE id = :lot_id
