-- Moves the proof on, with its sums: whole ones of a full look, or what came since the proof they build on; nothing if another moved it.
WITH moved AS (
    INSERT INTO reconciliation_proof AS p (until_id, until_at)
    VALUES (:until_id, :until_at)
    ON CONFLICT (is_single) DO UPDATE SET until_id = excluded.until_id, until_at = excluded.until_at
    WHERE (:is_full::boolean OR p.until_id = :since_id) AND p.until_id <= excluded.until_id
    RETURNING p.until_id
)
INSERT INTO reconciliation_accounts AS a (account, ledger_cents)
SELECT g.account, g.cents
FROM moved
CROSS JOIN unnest(:accounts::text[], :cents::bigint[]) AS g (account, cents)
ON CONFLICT (account) DO UPDATE
SET ledger_cents = excluded.ledger_cents + CASE WHEN :is_full::boolean THEN 0 ELSE a.ledger_cents END
