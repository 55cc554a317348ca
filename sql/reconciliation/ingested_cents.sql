-- What all the platform's balance transactions come to, reserves left out.
SELECT coalesce((SELECT a.stripe_cents FROM reconciliation_accounts a WHERE a.account = 'SP'), 0)::bigint
