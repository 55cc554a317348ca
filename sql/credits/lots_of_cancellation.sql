-- The credit a booking was turned into, with what was given back of it since as lots of their own; locked by id.
WITH RECURSIVE born AS (
    SELECT c.id FROM credit_lots c WHERE c.booking_id = :booking_id AND c.source = 'cancellation'
    UNION ALL
    SELECT c.id FROM credit_lots c JOIN born b ON c.restored_from = b.id
)
SELECT
    l.id, l.user_id, l.source, l.booking_id, l.granted_cents, l.remaining_cents, l.currency, l.created_at, l.expires_at
FROM credit_lots l
WHERE l.id IN (SELECT b.id FROM born b)
ORDER BY l.id
FOR UPDATE
