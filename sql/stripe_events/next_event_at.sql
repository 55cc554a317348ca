-- When the next stored event is to be worked.
SELECT min(next_attempt_at) FROM stripe_events WHERE state = 'received'
