-- Keeps an issuer's warning, and whether something can still be done about it; whether it is new.
INSERT INTO fraud_warnings (id, booking_id, fraud_type, is_actionable, created_at)
VALUES (:warning_id, :booking_id, :fraud_type, :is_actionable, :now)
ON CONFLICT (id) DO UPDATE
SET is_actionable = excluded.is_actionable
RETURNING old.id IS NULL AS is_new
