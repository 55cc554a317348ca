-- Which of these journals of a booking were posted already.
SELECT e.dedupe_key
FROM ledger_entries e
WHERE e.booking_id = :booking_id AND e.dedupe_key = ANY(:dedupe_keys::text[])
