-- How many facts nobody has been told yet.
SELECT count(*)
FROM outbox
WHERE published_at IS NULL
