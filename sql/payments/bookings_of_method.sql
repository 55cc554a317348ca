-- Confirmed bookings that wait for another try with this card.
SELECT b.id
FROM payments p
JOIN bookings b ON b.id = p.booking_id
WHERE p.payment_method_id = :payment_method_id AND p.status IN ('auth_retry', 'card_required')
    AND b.status = 'confirmed'
ORDER BY b.start_at
