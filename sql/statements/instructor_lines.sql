-- What the journal says of an instructor's own money, oldest first; `part` counts the lines of one journal.
WITH lines AS (
    SELECT
        e.id, e.effective_at, e.kind, e.booking_id, -l.amount_cents AS amount_cents, l.currency,
        row_number() OVER (PARTITION BY e.id ORDER BY l.line) AS part
    FROM ledger_lines l
    JOIN ledger_entries e ON e.id = l.entry_id
    WHERE l.account = 'WAL:' || :user_id::uuid
)
SELECT id, effective_at AS at, kind, booking_id, part, amount_cents, currency
FROM lines
WHERE :after_at::timestamptz IS NULL OR (effective_at, id, part) > (:after_at, :after_id::uuid, :after_part::bigint)
ORDER BY effective_at, id, part
LIMIT :most
