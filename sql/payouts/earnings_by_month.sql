-- What an instructor's own money did in each month of UTC, newest first; credit is positive for them.
SELECT
    date_trunc('month', e.effective_at, 'UTC') AS month_at,
    (count(DISTINCT e.booking_id) FILTER (WHERE e.kind = 'transfer'))::integer AS lessons,
    coalesce(-sum(l.amount_cents) FILTER (WHERE e.kind IN ('transfer', 'application_fee', 'top_up', 'credit_rule', 'share_withheld')), 0)::bigint AS earned_cents,
    coalesce(sum(l.amount_cents) FILTER (WHERE e.kind IN ('transfer_reversed', 'application_fee_refunded')), 0)::bigint AS returned_cents,
    coalesce(sum(l.amount_cents) FILTER (WHERE e.kind LIKE 'payout%'), 0)::bigint AS paid_out_cents
FROM ledger_lines l
JOIN ledger_entries e ON e.id = l.entry_id
WHERE l.account = :account
GROUP BY month_at
ORDER BY month_at DESC
LIMIT :most
