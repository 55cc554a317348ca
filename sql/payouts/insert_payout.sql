-- Wishes for an instant payout; an instructor's one wish at a time. Nothing when another is open.
INSERT INTO payouts (id, instructor_id, is_instant, is_asked, net_cents, fee_cents, currency, created_at)
VALUES (:payout_id, :instructor_id, true, true, :net_cents, :fee_cents, :currency, :now)
ON CONFLICT (instructor_id) WHERE state = 'requested' AND is_asked DO NOTHING
RETURNING id
