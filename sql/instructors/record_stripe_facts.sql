-- Notes what Stripe says of an instructor's account.
UPDATE instructors
SET transfers_since = CASE WHEN :has_transfers::boolean AND NOT has_transfers THEN :now ELSE transfers_since END,
    has_transfers = :has_transfers,
    has_payouts = :has_payouts,
    has_submitted_details = :has_submitted_details,
    requirements_due = :requirements_due,
    disabled_reason = :disabled_reason,
    deadline_at = :deadline_at,
    deauthorized_at = :deauthorized_at
WHERE id = :instructor_id
