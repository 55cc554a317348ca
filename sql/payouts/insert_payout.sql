-- Wishes for a payout. Nothing when another wish is open, or when one came between look and wish.
INSERT INTO payouts (id, instructor_id, is_instant, is_asked, net_cents, fee_cents, currency, created_at)
SELECT :payout_id, :instructor_id, :is_instant, :is_asked, :net_cents, 0, :currency, :now
WHERE :known = (SELECT count(*) FROM payouts WHERE instructor_id = :instructor_id)
ON CONFLICT (instructor_id) WHERE state = 'requested' DO NOTHING
RETURNING id
