-- One balance transaction as it was taken in.
SELECT
    id, account, kind, amount_cents, fee_cents, application_fee_cents, net_cents, currency, source, description,
    created_at
FROM balance_transactions
WHERE account = :account AND id = :transaction_id
