-- Accounts that wait for Stripe are asked about every hour: few of many, in turns.
CREATE INDEX instructors_wait_for_stripe ON instructors (stripe_account_id)
WHERE deauthorized_at IS NULL AND NOT (has_transfers AND has_payouts);
