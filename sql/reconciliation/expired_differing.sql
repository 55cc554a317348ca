-- Lots of which the ledger holds another amount expired than was left of them when they ended: ended since, or known to differ.
WITH looked_at AS (
    SELECT c.id::text AS subject FROM credit_lots c WHERE c.expired_at > :since_at
    UNION
    SELECT e.source
    FROM ledger_lines l
    JOIN ledger_entries e ON e.id = l.entry_id
    WHERE l.account IN ('CRX', 'BRK') AND l.entry_id > :since_id
    UNION
    SELECT i.subject FROM reconciliation_incidents i WHERE i.closed_at IS NULL AND i.check_name = 'expired_differs'
), held AS (
    SELECT k.subject, -coalesce(sum(l.amount_cents) FILTER (WHERE l.account IN ('CRX', 'BRK')), 0)::bigint AS cents
    FROM looked_at k
    LEFT JOIN ledger_entries e ON e.source = k.subject
    LEFT JOIN ledger_lines l ON l.entry_id = e.id
    GROUP BY k.subject
), ended AS (
    SELECT
        c.id::text AS subject,
        c.granted_cents
        - coalesce((
            SELECT sum(u.amount_cents) FROM credit_uses u WHERE u.lot_id = c.id AND u.state IN ('reserved', 'consumed')
        ), 0)
        - coalesce((SELECT sum(r.granted_cents) FROM credit_lots r WHERE r.restored_from = c.id), 0) AS cents
    FROM looked_at k
    JOIN credit_lots c ON c.id::text = k.subject
    WHERE c.expired_at IS NOT NULL AND c.source IN ('cancellation', 'package', 'gift')
), taken_back AS (
    -- credit whose payment went back: what was left of each lot is then told by no row
    SELECT k.subject
    FROM looked_at k
    JOIN credit_lots c ON c.id::text = k.subject
    LEFT JOIN credit_lots p ON p.id = c.restored_from
    LEFT JOIN credit_lots g ON g.id = p.restored_from
    WHERE c.voided_at IS NOT NULL OR EXISTS (
        SELECT 1
        FROM ledger_entries e
        JOIN ledger_lines l ON l.entry_id = e.id
        WHERE e.booking_id = coalesce(c.booking_id, p.booking_id, g.booking_id)
            AND e.kind IN ('credit_voided', 'refund_absorbed', 'application_fee_refunded')
            AND l.account = 'CRA:' || c.user_id
    )
)
SELECT
    h.subject, 'CRX' AS account, (h.cents - coalesce(e.cents, 0))::bigint AS difference_cents,
    NULL::timestamptz AS at
FROM held h
LEFT JOIN ended e ON e.subject = h.subject
WHERE h.cents <> coalesce(e.cents, 0) AND h.subject NOT IN (SELECT subject FROM taken_back)
ORDER BY h.subject
LIMIT :most
