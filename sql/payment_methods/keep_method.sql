-- Remembers a card that is attached to a user's customer; a card seen again is refreshed.
INSERT INTO payment_methods (id, user_id, brand, last4, exp_month, exp_year, fingerprint, created_at)
VALUES (:payment_method_id, :user_id, :brand, :last4, :exp_month, :exp_year, :fingerprint, :now)
ON CONFLICT (id) DO UPDATE SET
    exp_month = EXCLUDED.exp_month, exp_year = EXCLUDED.exp_year, last4 = EXCLUDED.last4
WHERE payment_methods.user_id = EXCLUDED.user_id
