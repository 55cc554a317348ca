-- Each account at Stripe: its ledger beside its balance transactions, and what of both is young and unmatched.
WITH lines AS (
    SELECT l.account, l.amount_cents, m.is_young
    FROM ledger_lines l
    JOIN ledger_entries e ON e.id = l.entry_id
    LEFT JOIN balance_transactions t ON t.account = l.account AND t.id = l.balance_transaction_id
    CROSS JOIN LATERAL (
        SELECT l.balance_transaction_id IS NOT NULL AND t.id IS NULL AND e.effective_at > :young_since AS is_young
    ) m
    WHERE l.account = 'SP' OR l.account LIKE 'SC:%'
), transactions AS (
    SELECT t.account, t.net_cents, l.account IS NULL AND t.created_at > :young_since AS is_young
    FROM balance_transactions t
    LEFT JOIN ledger_lines l ON l.balance_transaction_id = t.id AND l.account = t.account
    WHERE NOT t.is_reserve
), both_sides AS (
    SELECT account, amount_cents AS ledger_cents, 0 AS stripe_cents, is_young FROM lines
    UNION ALL
    SELECT account, 0, net_cents, is_young FROM transactions
)
SELECT
    account,
    sum(ledger_cents)::bigint AS ledger_cents,
    sum(stripe_cents)::bigint AS stripe_cents,
    coalesce(sum(ledger_cents) FILTER (WHERE is_young), 0)::bigint AS young_ledger_cents,
    coalesce(sum(stripe_cents) FILTER (WHERE is_young), 0)::bigint AS young_stripe_cents,
    count(*) FILTER (WHERE is_young) AS young
FROM both_sides
GROUP BY account
ORDER BY account
