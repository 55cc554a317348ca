-- Bookings that brought the platform another amount than their fee, nothing, or what a refund left of it.
WITH earned AS (
    SELECT e.booking_id, -sum(l.amount_cents)::bigint AS cents
    FROM ledger_lines l
    JOIN ledger_entries e ON e.id = l.entry_id
    WHERE l.account = 'REV' AND e.booking_id IS NOT NULL
    GROUP BY e.booking_id
)
SELECT
    b.id::text AS subject, 'REV' AS account, coalesce(r.cents, 0) - b.platform_fee_cents AS difference_cents,
    NULL::timestamptz AS at
FROM bookings b
JOIN payments p ON p.booking_id = b.id
LEFT JOIN earned r ON r.booking_id = b.id
WHERE CASE
    WHEN p.status = 'settled' THEN coalesce(r.cents, 0) <> b.platform_fee_cents
    WHEN p.status IN (
        'refunding', 'refunded', 'partially_refunded', 'refund_failed', 'disputed', 'dispute_lost'
    ) THEN coalesce(r.cents, 0) NOT BETWEEN 0 AND b.platform_fee_cents
    ELSE coalesce(r.cents, 0) NOT IN (0, b.platform_fee_cents)
END
ORDER BY b.id
LIMIT :most
