-- Until where the books are proved; nothing before the first full look.
SELECT until_id AS id, until_at AS at FROM reconciliation_proof
