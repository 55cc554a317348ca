-- Notes what a run has seen.
UPDATE reconciliation_runs SET
    finished_at = :now,
    accounts = :accounts,
    unseen_accounts = :unseen_accounts,
    unseen_checks = :unseen_checks,
    ingested = :ingested,
    posted = :posted,
    differences = :differences,
    available_cents = :available_cents
WHERE id = :run_id
