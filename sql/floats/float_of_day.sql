-- What the platform's balance keeps since a day; `is_set` when Stripe knows.
SELECT on_date, minimum_cents, set_at IS NOT NULL AS is_set
FROM floats
WHERE on_date = :on_date
