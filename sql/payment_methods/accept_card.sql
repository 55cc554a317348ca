-- Lets a card be tried again: its owner chose it, or its network renewed it.
UPDATE payment_methods p SET refused_at = NULL
FROM payment_methods m
WHERE m.id = :payment_method_id AND p.user_id = m.user_id AND p.refused_at IS NOT NULL
    AND (p.id = m.id OR p.fingerprint = m.fingerprint)
