-- Marks a card as taken away from its customer.
UPDATE payment_methods SET detached_at = :now WHERE id = :payment_method_id AND detached_at IS NULL
