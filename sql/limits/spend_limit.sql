-- Takes one from a limit (GCRA); answers when the next is allowed if this one was, nothing if not.
INSERT INTO rate_limits AS r (key, arrives_at)
VALUES (:key, :now::timestamptz + :interval::interval)
ON CONFLICT (key) DO UPDATE
    SET arrives_at = greatest(r.arrives_at, :now) + :interval
    WHERE r.arrives_at <= :now + :tolerance::interval
RETURNING arrives_at
