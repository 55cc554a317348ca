-- Instructors to whom the ledger owes another amount than the top-ups and withheld shares that are not paid: moved since, or owed.
WITH looked_at AS (
    SELECT b.account
    FROM ledger_balances b
    WHERE b.account LIKE 'PAY:%'
        AND (b.balance_cents <> 0 OR :since_id = '00000000-0000-0000-0000-000000000000'::uuid)
    UNION
    SELECT l.account FROM ledger_lines l WHERE l.entry_id > :since_id AND l.account LIKE 'PAY:%'
    UNION
    SELECT 'PAY:' || b.instructor_id
    FROM payments p
    JOIN bookings b ON b.id = p.booking_id
    WHERE p.status IN ('payout_pending', 'refund_failed')
    UNION
    SELECT i.account FROM reconciliation_incidents i WHERE i.closed_at IS NULL AND i.check_name = 'top_up_differs'
), open_top_ups AS (
    SELECT
        k.account,
        sum(
            -- of a withheld share refunds take their part: of what goes back, all but the fee, rounded half up
            CASE WHEN p.withheld_cents > 0 THEN
                p.withheld_cents - (f.cents - div(
                    2::numeric * (p.captured_cents - p.withheld_cents) * f.cents + p.captured_cents,
                    2::numeric * p.captured_cents
                ))
            ELSE 0 END
            + CASE WHEN EXISTS (
                SELECT 1 FROM credit_uses c WHERE c.booking_id = b.id AND c.state = 'consumed'
            ) THEN b.top_up_cents ELSE 0 END
        )::bigint AS cents
    FROM looked_at k
    JOIN bookings b ON b.instructor_id = substr(k.account, 5)::uuid
    JOIN payments p ON p.booking_id = b.id
    LEFT JOIN LATERAL (
        SELECT -coalesce(sum(l.amount_cents), 0) AS cents
        FROM ledger_entries e
        JOIN ledger_lines l ON l.entry_id = e.id
        WHERE p.withheld_cents > 0 AND e.booking_id = b.id AND e.kind = 'application_fee_refunded' AND l.account = 'SP'
    ) f ON true
    WHERE p.top_up_id IS NULL AND (p.withheld_cents > 0 OR b.top_up_cents > 0)
    GROUP BY k.account
)
SELECT
    k.account AS subject, k.account,
    -coalesce(b.balance_cents, 0) - coalesce(o.cents, 0)::bigint AS difference_cents,
    NULL::timestamptz AS at
FROM looked_at k
LEFT JOIN ledger_balances b ON b.account = k.account
LEFT JOIN open_top_ups o ON o.account = k.account
WHERE -coalesce(b.balance_cents, 0) <> coalesce(o.cents, 0)
ORDER BY k.account
LIMIT :most
