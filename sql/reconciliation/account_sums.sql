-- Each account at Stripe: its proved ledger with the lines since, beside its transactions, and what of both is young and unmatched.
WITH lines AS (
    SELECT l.account, sum(l.amount_cents)::bigint AS cents
    FROM ledger_lines l
    WHERE l.entry_id > :since_id AND (l.account = 'SP' OR l.account LIKE 'SC:%')
    GROUP BY l.account
), proved AS (
    SELECT
        a.account, a.stripe_cents,
        CASE WHEN :since_id = '00000000-0000-0000-0000-000000000000'::uuid THEN 0 ELSE a.ledger_cents END AS ledger_cents
    FROM reconciliation_accounts a
    WHERE a.account = 'SP' OR a.account LIKE 'SC:%'
), young_lines AS (
    SELECT l.account, sum(l.amount_cents)::bigint AS cents, count(*) AS lines
    FROM ledger_entries e
    JOIN ledger_lines l ON l.entry_id = e.id
    WHERE e.effective_at > :young_since
        AND l.balance_transaction_id IS NOT NULL
        AND (l.account = 'SP' OR l.account LIKE 'SC:%')
        AND NOT EXISTS (
            SELECT 1 FROM balance_transactions t WHERE t.account = l.account AND t.id = l.balance_transaction_id
        )
    GROUP BY l.account
), young_transactions AS (
    SELECT t.account, sum(t.net_cents)::bigint AS cents, count(*) AS transactions
    FROM balance_transactions t
    WHERE t.kept_at > :young_since::timestamptz - interval '1 hour'
        AND t.created_at > :young_since
        AND NOT t.is_reserve
        AND NOT EXISTS (
            SELECT 1 FROM ledger_lines l WHERE l.balance_transaction_id = t.id AND l.account = t.account
        )
    GROUP BY t.account
)
SELECT
    account,
    (coalesce(p.ledger_cents, 0) + coalesce(l.cents, 0))::bigint AS ledger_cents,
    coalesce(p.stripe_cents, 0)::bigint AS stripe_cents,
    coalesce(yl.cents, 0)::bigint AS young_ledger_cents,
    coalesce(yt.cents, 0)::bigint AS young_stripe_cents,
    (coalesce(yl.lines, 0) + coalesce(yt.transactions, 0))::bigint AS young
FROM proved p
FULL JOIN lines l USING (account)
LEFT JOIN young_lines yl USING (account)
LEFT JOIN young_transactions yt USING (account)
WHERE yl.lines IS NOT NULL OR yt.transactions IS NOT NULL
    OR coalesce(p.ledger_cents, 0) + coalesce(l.cents, 0) <> coalesce(p.stripe_cents, 0)
ORDER BY account
