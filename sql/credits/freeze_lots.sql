-- Keeps credit from being spent until the bank has decided about its payment.
UPDATE credit_lots SET frozen_at = :now
WHERE id = ANY(:lot_ids::uuid[]) AND frozen_at IS NULL
