-- The journal of one person, newest first; all of it is found before the newest are chosen.
WITH own AS MATERIALIZED (
    SELECT e.id, e.effective_at, e.kind, e.booking_id, e.source
    FROM ledger_entries e
    WHERE e.user_ids @> ARRAY[:user_id::uuid]
)
SELECT
    e.id, e.effective_at AS at, e.kind, e.booking_id, e.source,
    (
        SELECT jsonb_agg(
            jsonb_build_object(
                'account', l.account, 'amount_cents', l.amount_cents, 'currency', l.currency,
                'balance_transaction_id', l.balance_transaction_id
            ) ORDER BY l.line
        )
        FROM ledger_lines l
        WHERE l.entry_id = e.id
    ) AS lines
FROM own e
WHERE e.effective_at >= coalesce(:from_at::timestamptz, '-infinity')
    AND e.effective_at < coalesce(:to_at::timestamptz, 'infinity')
    AND (e.effective_at, e.id) < (
        coalesce(:before_at::timestamptz, 'infinity'),
        coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    )
ORDER BY e.effective_at DESC, e.id DESC
LIMIT :most
