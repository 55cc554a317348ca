-- Opens an incident, unless the same one is open.
INSERT INTO reconciliation_incidents (
    id, check_name, subject, account, difference_cents, opened_at, seen_at
) VALUES (:incident_id, :check, :subject, :account, :difference_cents, :now, :now)
ON CONFLICT (check_name, subject) WHERE closed_at IS NULL DO NOTHING
