-- What Stripe last told of an instructor's account, and what else it takes to be bookable.
SELECT
    i.has_transfers,
    i.has_payouts,
    i.has_submitted_details,
    i.requirements_due,
    i.has_transfers OR i.transfers_since IS NOT NULL AS was_active,
    i.disabled_reason,
    i.deadline_at,
    i.deauthorized_at,
    i.stripe_account_id,
    i.is_published,
    EXISTS (SELECT 1 FROM services v WHERE v.instructor_id = i.id AND v.archived_at IS NULL) AS has_service
FROM instructors i
WHERE i.id = :instructor_id
