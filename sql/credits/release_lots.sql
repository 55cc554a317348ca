-- Lets frozen credit be spent again; what the bank has taken back stays.
UPDATE credit_lots SET frozen_at = NULL
WHERE id = ANY(:lot_ids::uuid[]) AND frozen_at IS NOT NULL AND voided_at IS NULL
