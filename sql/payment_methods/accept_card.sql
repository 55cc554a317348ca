-- Lets a card be tried again: its owner chose it, or its network renewed it.
UPDATE payment_methods SET refused_at = NULL
WHERE user_id = (SELECT m.user_id FROM payment_methods m WHERE m.id = :payment_method_id)
    AND detached_at IS NULL AND refused_at IS NOT NULL
    AND (
        id = :payment_method_id
        OR fingerprint = (SELECT m.fingerprint FROM payment_methods m WHERE m.id = :payment_method_id)
    )
