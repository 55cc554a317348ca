-- Everybody who operates the marketplace.
SELECT id
FROM users
WHERE roles @> '{admin}'
ORDER BY id
