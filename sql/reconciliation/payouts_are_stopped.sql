-- Whether automatic payouts wait: our books and Stripe's disagree.
SELECT EXISTS (SELECT 1 FROM reconciliation_incidents WHERE closed_at IS NULL)
