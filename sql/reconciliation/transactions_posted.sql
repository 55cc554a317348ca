-- Balance transactions that the ledger has a line for already.
SELECT balance_transaction_id
FROM ledger_lines
WHERE account = :account AND balance_transaction_id = ANY (:ids::text[])
