-- Bookings whose captured money has not been allocated, beyond what refunds that the card did not take (yet) wait with.
WITH looked_at AS (
    -- those that moved since an entry, or are known to be open
    SELECT l.account FROM ledger_lines l WHERE l.entry_id > :since_id AND l.account LIKE 'CLR:%'
    UNION
    SELECT i.account FROM reconciliation_incidents i WHERE i.closed_at IS NULL AND i.check_name = 'transit_open'
), open AS (
    SELECT k.account, o.cents, o.at
    FROM looked_at k
    CROSS JOIN LATERAL (
        SELECT sum(l.amount_cents)::bigint AS cents, max(e.effective_at) AS at
        FROM ledger_lines l
        JOIN ledger_entries e ON e.id = l.entry_id
        WHERE l.account = k.account
    ) o
    WHERE o.cents <> 0
), held AS (
    SELECT o.account, o.cents, o.at, coalesce((
        SELECT sum(r.amount_cents) FROM refunds r
        WHERE r.booking_id = substr(o.account, 5)::uuid AND r.state IN ('failed', 'canceled', 'pending')
    ), 0)::bigint AS waiting_cents
    FROM open o
)
SELECT
    substr(h.account, 5) AS subject, h.account,
    CASE WHEN h.cents > 0 THEN h.cents ELSE h.cents + h.waiting_cents END AS difference_cents, h.at
FROM held h
WHERE h.cents > 0 OR h.cents < -h.waiting_cents
ORDER BY h.account
LIMIT :most
