-- A refund that gives credit back and asks nothing of Stripe: it is over as soon as it is wished for.
INSERT INTO refunds (
    id, booking_id, amount_cents, currency, reverses_transfer, cause, reason, requested_by, state, created_at,
    finished_at, is_credit
)
VALUES (
    :refund_id, :booking_id, :amount_cents, :currency, :reverses_transfer, 'admin', :reason, :requested_by, 'succeeded',
    :now, :now, true
)
ON CONFLICT (id) DO NOTHING
