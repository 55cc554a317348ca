-- How many payouts of an instructor there are, whatever became of them.
SELECT count(*)::integer FROM payouts WHERE instructor_id = :instructor_id
