-- Notes what Stripe says of an instructor's account.
UPDATE instructors
SET has_transfers = :has_transfers,
    has_payouts = :has_payouts,
    has_submitted_details = :has_submitted_details,
    requirements_due = :requirements_due
WHERE id = :instructor_id
