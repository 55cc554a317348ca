-- Waits until this transaction is the one that judges, and stays it until its end.
SELECT pg_advisory_xact_lock(hashtext('reconciliation')) IS NOT NULL
