-- Notes what Stripe says of an account; answers only when something changed.
UPDATE instructors
SET has_transfers = :has_transfers,
    has_payouts = :has_payouts,
    has_submitted_details = :has_submitted_details,
    requirements_due = :requirements_due
WHERE id = :instructor_id
    AND (has_transfers, has_payouts, has_submitted_details, requirements_due)
        IS DISTINCT FROM (:has_transfers, :has_payouts, :has_submitted_details, :requirements_due::text[])
RETURNING id
