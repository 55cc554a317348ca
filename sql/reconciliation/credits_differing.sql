-- Students whose credit, available or reserved, is not in the ledger what their lots and bookings say.
WITH kept AS (
    SELECT 'CRA:' || user_id AS account, sum(remaining_cents)::bigint AS cents
    FROM credit_lots
    WHERE remaining_cents > 0
    GROUP BY user_id
    UNION ALL
    SELECT 'CRR:' || l.user_id, sum(r.amount_cents)::bigint
    FROM credit_uses r
    JOIN credit_lots l ON l.id = r.lot_id
    WHERE r.state = 'reserved'
    GROUP BY l.user_id
), owed AS (
    SELECT account, -balance_cents AS cents
    FROM ledger_balances
    WHERE account LIKE 'CRA:%' OR account LIKE 'CRR:%'
)
SELECT
    account AS subject, account, coalesce(k.cents, 0) - coalesce(o.cents, 0) AS difference_cents,
    NULL::timestamptz AS at
FROM kept k
FULL JOIN owed o USING (account)
WHERE coalesce(k.cents, 0) <> coalesce(o.cents, 0)
ORDER BY account
LIMIT :most
