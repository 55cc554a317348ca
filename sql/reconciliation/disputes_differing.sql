-- Disputes for which the ledger holds another amount withdrawn than the bank holds: open ones whole, closed ones nothing.
WITH held AS (
    SELECT e.source AS id, sum(l.amount_cents)::bigint AS cents, max(e.effective_at) AS at
    FROM ledger_lines l
    JOIN ledger_entries e ON e.id = l.entry_id
    WHERE l.account = 'DSP'
    GROUP BY e.source
), withdrawn AS (
    SELECT
        d.id, CASE WHEN d.status IN ('needs_response', 'under_review') THEN d.amount_cents ELSE 0 END AS cents,
        greatest(d.created_at, d.closed_at) AS at
    FROM disputes d
)
SELECT
    id AS subject, 'DSP' AS account, coalesce(h.cents, 0) - coalesce(w.cents, 0) AS difference_cents,
    greatest(h.at, w.at) AS at
FROM held h
FULL JOIN withdrawn w USING (id)
WHERE coalesce(h.cents, 0) <> coalesce(w.cents, 0)
ORDER BY id
LIMIT :most
