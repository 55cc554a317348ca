-- Notes the Stripe account made for an instructor, unless there is one already.
UPDATE instructors
SET stripe_account_id = coalesce(stripe_account_id, :stripe_account_id)
WHERE id = :instructor_id
RETURNING stripe_account_id
