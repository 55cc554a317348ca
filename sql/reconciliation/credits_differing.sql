-- Students whose credit in the ledger is not the sum of their lots; reserved credit needs a booking that may use it.
WITH lots AS (
    SELECT user_id::text AS user_id, sum(remaining_cents)::bigint AS cents FROM credit_lots GROUP BY user_id
), available AS (
    SELECT substr(account, 5) AS user_id, -balance_cents AS cents FROM ledger_balances WHERE account LIKE 'CRA:%'
), reserved AS (
    SELECT b.student_id::text AS user_id
    FROM bookings b
    JOIN payments p ON p.booking_id = b.id
    WHERE b.credit_applied_cents > 0 AND p.status NOT IN ('settled', 'released', 'credited', 'refunded', 'written_off')
)
SELECT
    user_id AS subject, 'CRA:' || user_id AS account,
    coalesce(l.cents, 0) - coalesce(a.cents, 0) AS difference_cents, NULL::timestamptz AS at
FROM lots l
FULL JOIN available a USING (user_id)
WHERE coalesce(l.cents, 0) <> coalesce(a.cents, 0)
UNION ALL
SELECT substr(r.account, 5), r.account, r.balance_cents, NULL
FROM ledger_balances r
WHERE r.account LIKE 'CRR:%' AND r.balance_cents <> 0
    AND NOT EXISTS (SELECT 1 FROM reserved WHERE reserved.user_id = substr(r.account, 5))
ORDER BY subject, account
LIMIT :most
