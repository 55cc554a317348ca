-- What an instructor may have to give back: to banks, to the platform for what became credit, or to students by a report.
SELECT coalesce(sum(f.cents), 0)::bigint
FROM (
    SELECT d.amount_cents AS cents
    FROM disputes d
    JOIN bookings b ON b.id = d.booking_id
    WHERE b.instructor_id = :instructor_id AND d.previous_status <> 'credited'
        AND d.recovery IN ('none', 'wanted')
        AND ((d.closed_at IS NULL AND d.status NOT LIKE 'warning%') OR d.recovery = 'wanted')
    UNION ALL
    SELECT b.instructor_amount_cents
    FROM no_show_reports n
    JOIN bookings b ON b.id = n.booking_id
    JOIN payments p ON p.booking_id = b.id
    WHERE b.instructor_id = :instructor_id AND n.state IN ('open', 'contested')
        AND p.status IN ('captured', 'payout_pending', 'settled', 'partially_refunded')
    UNION ALL
    SELECT b.destination_cents
    FROM payments p
    JOIN bookings b ON b.id = p.booking_id
    WHERE p.to_reverse_cents > 0 AND b.instructor_id = :instructor_id
        AND NOT EXISTS (
            SELECT 1 FROM ledger_entries e WHERE e.booking_id = b.id AND e.kind = 'transfer_reversed'
        )
) f
