-- Marks every card of a user as taken away.
UPDATE payment_methods SET detached_at = :now WHERE user_id = :user_id AND detached_at IS NULL
