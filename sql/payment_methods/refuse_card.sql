-- Notes that a bank refused a card for good, under whatever name its owner saved it.
UPDATE payment_methods SET refused_at = :now
WHERE user_id = :user_id AND detached_at IS NULL AND refused_at IS NULL
    AND (
        id = :payment_method_id
        OR fingerprint = (SELECT m.fingerprint FROM payment_methods m WHERE m.id = :payment_method_id)
    )
