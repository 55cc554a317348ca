-- Since when a movement that Stripe may have made is not seen there: one look alone may be an old one.
ALTER TABLE stripe_operations ADD COLUMN absent_since timestamptz;
