-- What stands on an account whose balance is kept, credit positive; nothing where nothing was posted.
SELECT -balance_cents AS kept_cents
FROM ledger_balances
WHERE account = :account
