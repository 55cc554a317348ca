-- Plans a day's float: credit available, reserved and expired but held, and what instructors are owed.
WITH owed AS (
    SELECT
        greatest(
            0,
            coalesce((SELECT -sum(balance_cents) FROM ledger_balances WHERE account ~ '^(CRA|CRR|PAY):'), 0)
            + coalesce((SELECT -sum(amount_cents) FROM ledger_lines WHERE account = 'CRX'), 0)
        )::bigint AS cents
), last AS (
    SELECT minimum_cents FROM floats WHERE set_at IS NOT NULL ORDER BY on_date DESC LIMIT 1
)
INSERT INTO floats (on_date, minimum_cents, planned_at, set_at)
SELECT
    :on_date, o.cents, :now,
    CASE WHEN o.cents = coalesce((SELECT minimum_cents FROM last), 0) THEN :now::timestamptz END
FROM owed o
ON CONFLICT (on_date) DO NOTHING
