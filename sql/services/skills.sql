-- Everything that can be taught here.
SELECT slug, name, category
FROM skills
ORDER BY category, name
