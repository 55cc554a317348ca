-- The journal, newest first, of a booking, a person or a stretch of time.
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
FROM ledger_entries e
WHERE (:booking_id::uuid IS NULL OR e.booking_id = :booking_id)
    AND (:user_id::uuid IS NULL OR :user_id = ANY (e.user_ids))
    AND (:from_at::timestamptz IS NULL OR e.effective_at >= :from_at)
    AND (:to_at::timestamptz IS NULL OR e.effective_at < :to_at)
    AND (
        :before_at::timestamptz IS NULL
        OR (e.effective_at, e.id) < (:before_at, :before_id::uuid)
    )
ORDER BY e.effective_at DESC, e.id DESC
LIMIT :most
