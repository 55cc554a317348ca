-- The books against themselves: lines sum to zero, and running sums are the sums of their lines (in a full look, of transactions too).
WITH lines AS (
    SELECT l.account, sum(l.amount_cents)::bigint AS cents
    FROM ledger_lines l
    WHERE l.entry_id > :since_id
    GROUP BY l.account
), transactions AS (
    SELECT t.account, sum(t.net_cents)::bigint AS cents
    FROM balance_transactions t
    WHERE NOT t.is_reserve AND :since_id = '00000000-0000-0000-0000-000000000000'::uuid
    GROUP BY t.account
)
SELECT 'all' AS subject, 'all' AS account, sum(cents)::bigint AS difference_cents, NULL::timestamptz AS at
FROM lines
HAVING sum(cents) <> 0
UNION ALL
SELECT b.account, b.account, b.balance_cents - coalesce(p.cents, 0)::bigint - coalesce(l.cents, 0)::bigint, NULL
FROM ledger_balances b
LEFT JOIN (
    SELECT a.account, a.ledger_cents AS cents
    FROM reconciliation_accounts a
    WHERE :since_id <> '00000000-0000-0000-0000-000000000000'::uuid
) p ON p.account = b.account
LEFT JOIN lines l ON l.account = b.account
WHERE b.balance_cents <> coalesce(p.cents, 0) + coalesce(l.cents, 0)
UNION ALL
SELECT 'counted ' || t.account, t.account, coalesce(a.stripe_cents, 0) - t.cents, NULL
FROM transactions t
LEFT JOIN reconciliation_accounts a ON a.account = t.account
WHERE coalesce(a.stripe_cents, 0) <> t.cents
ORDER BY subject
LIMIT :most
