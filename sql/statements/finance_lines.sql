-- Postings, oldest first, of one account, of one kind of account (its code), of a booking or of a time.
SELECT
    e.id, e.effective_at AS at, e.kind, l.line, l.account, l.amount_cents, l.currency, l.balance_transaction_id,
    e.booking_id
FROM ledger_entries e
JOIN ledger_lines l ON l.entry_id = e.id
WHERE (:account::text IS NULL OR l.account = :account OR split_part(l.account, ':', 1) = :account)
    AND (:booking_id::uuid IS NULL OR e.booking_id = :booking_id)
    AND (:from_at::timestamptz IS NULL OR e.effective_at >= :from_at)
    AND (:to_at::timestamptz IS NULL OR e.effective_at < :to_at)
    AND (
        :after_at::timestamptz IS NULL
        OR (e.effective_at, e.id, l.line) > (:after_at, :after_id::uuid, :after_line::integer)
    )
ORDER BY e.effective_at, e.id, l.line
LIMIT :most
