-- Notes that Stripe keeps a day's float.
UPDATE floats SET set_at = :now WHERE on_date = :on_date AND set_at IS NULL
