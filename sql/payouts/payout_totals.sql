-- What an instructor has been paid out in all, and what it cost.
SELECT
    coalesce(sum(net_cents) FILTER (WHERE state = 'paid'), 0)::bigint AS paid_cents,
    coalesce(sum(net_cents) FILTER (WHERE state IN ('requested', 'in_transit')), 0)::bigint AS on_the_way_cents,
    coalesce(sum(fee_cents - fee_refunded_cents) FILTER (WHERE state IN ('in_transit', 'paid', 'failed')), 0)::bigint AS fees_cents,
    (count(*) FILTER (WHERE state IN ('failed', 'canceled')))::integer AS failed
FROM payouts
WHERE instructor_id = :instructor_id
