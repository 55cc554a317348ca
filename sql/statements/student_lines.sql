-- What the journal says of a student's card and credit, newest first.
WITH entries AS (
    SELECT e.id, e.effective_at, e.kind, e.booking_id, e.source, b.student_id = :user_id AS is_student
    FROM ledger_entries e
    LEFT JOIN bookings b ON b.id = e.booking_id
    WHERE e.user_ids @> ARRAY[:user_id::uuid]
        AND (:before_at::timestamptz IS NULL OR (e.effective_at, e.id) < (:before_at, :before_id::uuid))
)
SELECT
    e.id, e.effective_at AS at, e.kind, e.booking_id,
    coalesce(-sum(l.amount_cents) FILTER (WHERE e.is_student AND e.kind = 'charge' AND l.account LIKE 'CLR:%'), 0)::bigint
        AS card_cents,
    coalesce(-sum(l.amount_cents) FILTER (WHERE l.account = 'CRA:' || :user_id::uuid), 0)::bigint AS credit_cents,
    (
        coalesce(sum(l.amount_cents) FILTER (
            WHERE e.is_student AND e.kind = 'refund' AND l.account LIKE 'CLR:%' AND l.amount_cents > 0
        ), 0)
        + coalesce(sum(l.amount_cents) FILTER (
            WHERE e.is_student AND e.kind = 'refund_failed' AND l.account LIKE 'CLR:%' AND l.amount_cents < 0
        ), 0)
    )::bigint AS refund_cents,
    min(l.currency) AS currency, e.source AS receipt_id
FROM entries e
JOIN ledger_lines l ON l.entry_id = e.id
GROUP BY e.id, e.effective_at, e.kind, e.booking_id, e.source
HAVING bool_or(
    l.account = 'CRA:' || :user_id::uuid
    OR (e.is_student AND e.kind IN ('charge', 'refund', 'refund_failed') AND l.account LIKE 'CLR:%')
)
ORDER BY e.effective_at DESC, e.id DESC
LIMIT :most
