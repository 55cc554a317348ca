-- Bookings that brought the platform another amount than their fee less what of it was given back: changed since, or known to differ.
WITH looked_at AS (
    SELECT e.booking_id
    FROM ledger_entries e
    WHERE e.id > :since_id AND e.booking_id IS NOT NULL
    UNION
    SELECT e.booking_id FROM booking_events e WHERE e.at > :since_at
    UNION
    SELECT i.subject::uuid FROM reconciliation_incidents i WHERE i.closed_at IS NULL AND i.check_name = 'revenue_differs'
), moved AS (
    SELECT k.booking_id, m.cents, m.fee_back_cents, m.is_turned_into_credit, m.is_fee_taken, m.is_consumed, m.is_credit_back
    FROM looked_at k
    CROSS JOIN LATERAL (
        SELECT
            -coalesce(sum(l.amount_cents) FILTER (WHERE l.account = 'REV'), 0)::bigint AS cents,
            -- the part of a withheld share in it goes from what the instructor is owed
            -coalesce(sum(l.amount_cents) FILTER (
                WHERE (l.account = 'SP' OR l.account LIKE 'PAY:%') AND e.kind = 'application_fee_refunded'
            ), 0)::bigint AS fee_back_cents,
            bool_or(e.kind = 'credit_rule') IS TRUE AS is_turned_into_credit,
            bool_or(e.kind = 'application_fee') IS TRUE AS is_fee_taken,
            bool_or(e.kind = 'credit_consumed') IS TRUE AS is_consumed,
            bool_or(e.kind = 'credit_refunded') IS TRUE AS is_credit_back
        FROM ledger_entries e
        JOIN ledger_lines l ON l.entry_id = e.id
        WHERE e.booking_id = k.booking_id
    ) m
), expected AS (
    SELECT
        b.id, m.cents,
        CASE
            WHEN p.captured_cents = 0 AND NOT m.is_consumed THEN 0
            WHEN m.is_turned_into_credit AND m.is_fee_taken THEN b.application_fee_cents - m.fee_back_cents
            WHEN m.is_turned_into_credit THEN 0
            ELSE b.platform_fee_cents - m.fee_back_cents
                - CASE WHEN m.is_credit_back THEN b.credit_applied_cents - b.top_up_cents ELSE 0 END
        END AS expected_cents
    FROM moved m
    JOIN bookings b ON b.id = m.booking_id
    JOIN payments p ON p.booking_id = b.id
)
SELECT x.id::text AS subject, 'REV' AS account, x.cents - x.expected_cents AS difference_cents, NULL::timestamptz AS at
FROM expected x
WHERE x.cents <> x.expected_cents
ORDER BY x.id
LIMIT :most
