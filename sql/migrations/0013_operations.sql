-- Writes at Stripe that only a person may decide, cards that are not tried again, and what alerts look at.
ALTER TABLE stripe_operations DROP CONSTRAINT stripe_operations_state_is_known;
ALTER TABLE stripe_operations ADD CONSTRAINT stripe_operations_state_is_known CHECK (
    state IN ('planned', 'sent', 'succeeded', 'failed', 'unknown', 'parked')
);
DROP INDEX stripe_operations_one_open;
CREATE UNIQUE INDEX stripe_operations_one_open ON stripe_operations (booking_id)
WHERE state IN ('planned', 'sent', 'unknown', 'parked');
DROP INDEX stripe_operations_open;
CREATE INDEX stripe_operations_open ON stripe_operations (planned_at)
WHERE state IN ('planned', 'sent', 'unknown', 'parked');

ALTER TABLE payment_methods ADD COLUMN refused_at timestamptz;

CREATE INDEX payments_owing ON payments (booking_id) WHERE status IN ('payout_pending', 'refund_failed');
CREATE INDEX stripe_events_payouts_failed ON stripe_events (received_at)
WHERE type = 'payout.failed' AND account IS NULL;
