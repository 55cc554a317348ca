-- Takes credit out of locked lots for bookings.
WITH wanted AS (
    SELECT w.booking_id, w.lot_id, w.amount_cents
    FROM unnest(:booking_ids::uuid[], :lot_ids::uuid[], :amounts_cents::integer[])
        AS w (booking_id, lot_id, amount_cents)
), spent AS (
    UPDATE credit_lots c
    SET remaining_cents = c.remaining_cents - s.amount_cents
    FROM (SELECT w.lot_id, sum(w.amount_cents)::integer AS amount_cents FROM wanted w GROUP BY w.lot_id) s
    WHERE c.id = s.lot_id
)
INSERT INTO credit_uses (booking_id, lot_id, amount_cents, created_at)
SELECT w.booking_id, w.lot_id, w.amount_cents, :now FROM wanted w
