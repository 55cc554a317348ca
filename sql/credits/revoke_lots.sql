-- Ends credit whose payment has gone back; what is given back to it later is void as well.
UPDATE credit_lots SET voided_at = :now, frozen_at = coalesce(frozen_at, :now)
WHERE id = ANY(:lot_ids::uuid[]) AND voided_at IS NULL
