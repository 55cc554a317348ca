-- Finds the payment of a transfer, a top-up or a fee that something happened to at Stripe.
CREATE INDEX payments_by_transfer ON payments (transfer_id) WHERE transfer_id IS NOT NULL;
CREATE INDEX payments_by_top_up ON payments (top_up_id) WHERE top_up_id IS NOT NULL;
CREATE INDEX payments_by_fee ON payments (application_fee_id) WHERE application_fee_id IS NOT NULL;
