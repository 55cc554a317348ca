-- Incidents, newest first, filtered.
SELECT
    id, check_name AS check, subject, account, difference_cents, opened_at, seen_at, closed_at,
    CASE WHEN closed_at IS NULL THEN 'open' ELSE 'closed' END AS state
FROM reconciliation_incidents
WHERE (:state::text IS NULL OR (closed_at IS NULL) = (:state = 'open'))
    AND (:check::text IS NULL OR check_name = :check)
    AND (:account::text IS NULL OR account = :account OR split_part(account, ':', 1) = :account)
    AND (:subject::text IS NULL OR subject = :subject)
    AND (:from_at::timestamptz IS NULL OR opened_at >= :from_at)
    AND (:to_at::timestamptz IS NULL OR opened_at < :to_at)
    AND (:before_at::timestamptz IS NULL OR (opened_at, id) < (:before_at, :before_id::uuid))
ORDER BY opened_at DESC, id DESC
LIMIT :most
