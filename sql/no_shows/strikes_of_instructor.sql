-- What an instructor has to answer for since an instant, newest first.
SELECT booking_id, instructor_id, kind, at
FROM strikes
WHERE instructor_id = :instructor_id AND at >= :since
ORDER BY at DESC
LIMIT :most
