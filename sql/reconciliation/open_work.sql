-- How much money work is under way: writes at Stripe without an answer, events not worked.
SELECT (
    (SELECT count(*) FROM stripe_operations WHERE state IN ('planned', 'sent', 'unknown'))
    + (SELECT count(*) FROM stripe_events WHERE state = 'received')
)::integer
