-- What an instructor's own money did in each month of UTC, newest first; credit is positive for them.
WITH by_booking AS (
    SELECT
        date_trunc('month', e.effective_at, 'UTC') AS month_at,
        e.booking_id,
        coalesce(-sum(l.amount_cents) FILTER (WHERE e.kind IN ('transfer', 'application_fee', 'top_up', 'credit_rule', 'share_withheld')), 0)
            AS earned_cents,
        coalesce(sum(l.amount_cents) FILTER (
            WHERE e.kind IN ('transfer_reversed', 'application_fee_refunded', 'top_up_reversed')
        ), 0) AS returned_cents,
        coalesce(sum(l.amount_cents) FILTER (WHERE e.kind LIKE 'payout%'), 0) AS paid_out_cents
    FROM ledger_lines l
    JOIN ledger_entries e ON e.id = l.entry_id
    WHERE l.account = :account
    GROUP BY 1, 2
)
SELECT
    month_at,
    (count(*) FILTER (WHERE booking_id IS NOT NULL AND earned_cents > 0))::integer AS lessons,
    sum(earned_cents)::bigint AS earned_cents,
    sum(returned_cents)::bigint AS returned_cents,
    sum(paid_out_cents)::bigint AS paid_out_cents
FROM by_booking
GROUP BY month_at
ORDER BY month_at DESC
LIMIT :most
