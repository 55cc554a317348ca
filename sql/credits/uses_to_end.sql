-- What a booking has taken from which lots and is still in this state; the lots are locked by id.
SELECT r.lot_id, r.amount_cents AS cents, c.expires_at, c.voided_at IS NOT NULL AS is_voided
FROM credit_uses r
JOIN credit_lots c ON c.id = r.lot_id
WHERE r.booking_id = :booking_id AND r.state = :state
ORDER BY c.id
FOR NO KEY UPDATE OF c
