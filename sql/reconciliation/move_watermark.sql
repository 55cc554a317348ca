-- Notes until when an account's balance transactions have been taken in; never backwards.
INSERT INTO reconciliation_watermarks AS w (account, seen_until)
VALUES (:account, :seen_until)
ON CONFLICT (account) DO UPDATE SET seen_until = greatest(w.seen_until, excluded.seen_until)
