-- Until when an account's balance transactions have been taken in.
SELECT seen_until FROM reconciliation_watermarks WHERE account = :account
