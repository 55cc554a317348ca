-- Wakes the clock process when this transaction commits.
SELECT true FROM pg_notify('timings', '')
