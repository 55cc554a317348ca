-- What open chargebacks, and transfers of what became credit, may still take from an instructor.
SELECT (
    coalesce((
        SELECT sum(d.amount_cents)
        FROM disputes d
        JOIN bookings b ON b.id = d.booking_id
        WHERE b.instructor_id = :instructor_id AND d.closed_at IS NULL
    ), 0)
    + coalesce((
        SELECT sum(b.destination_cents)
        FROM payments p
        JOIN bookings b ON b.id = p.booking_id
        WHERE p.to_reverse_cents > 0 AND b.instructor_id = :instructor_id
            AND NOT EXISTS (
                SELECT 1 FROM ledger_entries e WHERE e.booking_id = b.id AND e.kind = 'transfer_reversed'
            )
    ), 0)
)::bigint
