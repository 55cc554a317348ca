-- Takes unspent credit out of a locked lot, because its payment has gone back.
UPDATE credit_lots SET remaining_cents = remaining_cents - :cents WHERE id = :lot_id
