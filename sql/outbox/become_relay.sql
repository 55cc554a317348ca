-- Makes this transaction the one relay until it ends; false while another one is.
SELECT pg_try_advisory_xact_lock(hashtext('outbox relay'))
