-- The instructor behind a connected account.
SELECT id FROM instructors WHERE stripe_account_id = :account
