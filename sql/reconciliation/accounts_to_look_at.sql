-- Connected accounts to ask Stripe about: those with new lines or open incidents first, then those longest not asked.
WITH moved AS (
    SELECT l.account, max(uuid_extract_timestamp(l.entry_id)) AS at
    FROM ledger_lines l
    WHERE l.entry_id > :since_id AND l.account LIKE 'SC:%'
    GROUP BY l.account
), accounts AS (
    SELECT
        i.id AS instructor_id, i.stripe_account_id, a.looked_at,
        m.at > coalesce(a.looked_at, m.at) - interval '1 hour'
        OR EXISTS (
            SELECT 1 FROM reconciliation_incidents n
            WHERE n.closed_at IS NULL AND n.account = 'SC:' || i.stripe_account_id
        ) AS has_moved
    FROM instructors i
    LEFT JOIN moved m ON m.account = 'SC:' || i.stripe_account_id
    LEFT JOIN reconciliation_accounts a ON a.account = 'SC:' || i.stripe_account_id
    -- one that left the platform shows nothing any more
    WHERE i.stripe_account_id IS NOT NULL AND i.deauthorized_at IS NULL
)
SELECT instructor_id, stripe_account_id, has_moved IS TRUE AS has_moved, looked_at, (count(*) OVER ())::integer AS accounts
FROM accounts
ORDER BY has_moved IS TRUE DESC, looked_at NULLS FIRST, instructor_id
LIMIT :most
