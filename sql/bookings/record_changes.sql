-- Writes the audit row of each changed booking, and the event of those that people are told.
WITH changed AS (
    SELECT
        c.event_id, c.booking_id, c.instructor_id, c.student_id, c.calendar_version, c.event, c.was, c.became,
        c.actor_kind, c.actor_id, c.cause, c.request_id, c.at, c.details, c.is_told, c.outbox_id, c.payload
    FROM unnest(
        :event_ids::uuid[], :booking_ids::uuid[], :instructor_ids::uuid[], :student_ids::uuid[],
        :calendar_versions::bigint[], :events::text[], :were::text[], :became::text[], :actor_kinds::text[],
        :actor_ids::uuid[], :causes::text[], :request_ids::text[], :ats::timestamptz[], :details::jsonb[],
        :are_told::boolean[], :outbox_ids::uuid[], :payloads::jsonb[]
    ) AS c (
        event_id, booking_id, instructor_id, student_id, calendar_version, event, was, became, actor_kind,
        actor_id, cause, request_id, at, details, is_told, outbox_id, payload
    )
), told AS (
    INSERT INTO booking_events (
        id, booking_id, instructor_id, calendar_version, event, was, became, actor_kind, actor_id, cause,
        request_id, at, details
    )
    SELECT
        c.event_id, c.booking_id, c.instructor_id, c.calendar_version, c.event, c.was, c.became, c.actor_kind,
        c.actor_id, c.cause, c.request_id, c.at, c.details
    FROM changed c
)
INSERT INTO outbox (id, topic, subject_id, user_ids, payload, created_at)
SELECT c.outbox_id, c.event, c.booking_id, ARRAY[c.student_id, c.instructor_id], c.payload, c.at
FROM changed c
WHERE c.is_told
