-- Posts journals with their lines, all or none of each; those posted before are left out.
WITH given AS (
    SELECT g.id, g.kind, g.dedupe_key, g.booking_id, g.effective_at, g.source
    FROM unnest(
        :ids::uuid[], :kinds::text[], :dedupe_keys::text[], :booking_ids::uuid[],
        :instants::timestamptz[], :sources::text[]
    ) AS g (id, kind, dedupe_key, booking_id, effective_at, source)
), posted AS (
    INSERT INTO ledger_entries (id, kind, dedupe_key, booking_id, user_ids, effective_at, source)
    SELECT id, kind, dedupe_key, booking_id, :user_ids::uuid[], effective_at, source FROM given
    ON CONFLICT (dedupe_key) DO NOTHING
    RETURNING id
)
INSERT INTO ledger_lines (entry_id, line, account, amount_cents, currency, balance_transaction_id)
SELECT l.entry_id, l.line, l.account, l.amount_cents, :currency, l.balance_transaction_id
FROM unnest(
    :entry_ids::uuid[], :lines::integer[], :accounts::text[], :amounts_cents::bigint[],
    :balance_transaction_ids::text[]
) AS l (entry_id, line, account, amount_cents, balance_transaction_id)
JOIN posted p ON p.id = l.entry_id
