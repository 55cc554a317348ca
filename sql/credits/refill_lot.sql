-- Gives a locked lot back what was taken from it.
UPDATE credit_lots SET remaining_cents = remaining_cents + :cents WHERE id = :lot_id
