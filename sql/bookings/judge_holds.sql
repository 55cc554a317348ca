-- Tells of each wanted slot whether its learner is busy and what its student holds, under the locks.
SELECT
    w.booking_id,
    EXISTS (SELECT FROM bookings k WHERE k.id = w.booking_id) AS is_known,
    rival.id AS rival_id,
    rival.instructor_id AS rival_instructor_id,
    rival.is_over AS is_rival_over,
    CASE WHEN w.is_hold THEN (
        SELECT count(*) FROM bookings h
        WHERE h.student_id = w.student_id AND h.status = 'pending' AND h.hold_expires_at > :now
            AND h.instructor_id = w.instructor_id
    ) ELSE 0 END AS held_here,
    CASE WHEN w.is_hold THEN (
        SELECT count(*) FROM bookings h
        WHERE h.student_id = w.student_id AND h.status = 'pending' AND h.hold_expires_at > :now
    ) ELSE 0 END AS held_live,
    CASE WHEN w.is_hold THEN (
        -- ids begin with the time they were made at: the bound on them lets the index serve
        SELECT count(*) FROM bookings h
        WHERE h.student_id = w.student_id AND h.id > :oldest_id AND h.created_at > :hour_ago
            AND h.hold_expires_at IS NOT NULL
    ) ELSE 0 END AS held_this_hour,
    w.spends_credit AND EXISTS (
        SELECT FROM credit_lots c
        WHERE c.user_id = w.student_id AND c.remaining_cents > 0 AND c.expires_at > :now AND c.frozen_at IS NULL
    ) AS has_credit
FROM unnest(
    :booking_ids::uuid[], :instructor_ids::uuid[], :student_ids::uuid[], :learner_ids::uuid[],
    :start_ats::timestamptz[], :end_ats::timestamptz[], :are_holds::boolean[], :spend_credit::boolean[]
) AS w (booking_id, instructor_id, student_id, learner_id, start_at, end_at, is_hold, spends_credit)
LEFT JOIN LATERAL (
    SELECT b.id, b.instructor_id, b.status = 'pending' AND b.hold_expires_at <= :now AS is_over
    FROM bookings b
    WHERE b.learner_id = w.learner_id AND b.status IN ('pending', 'confirmed')
        AND tstzrange(b.start_at, b.end_at) && tstzrange(w.start_at, w.end_at)
        AND b.id <> w.booking_id
    ORDER BY is_over, b.id
    LIMIT 1
) AS rival ON true
