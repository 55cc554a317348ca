-- Holds or books slots, with all that follows from each, and raises their calendars; answers who won.
WITH wanted AS (
    SELECT
        w.id, w.instructor_id, w.student_id, w.learner_id, w.service_id, w.start_at, w.end_at, w.time_zone,
        w.start_local, w.buffer_before, w.buffer_after, w.modality, w.place, w.note, w.status, w.hold_expires_at,
        w.created_at, w.price, w.platform_fee, w.instructor_amount, w.credit, w.card_amount, w.destination,
        w.application_fee, w.top_up, w.payment_status, w.payment_method_id, w.timing_id, w.timing_kind,
        w.timing_due_at, w.event_id, w.event, w.actor_kind, w.actor_id, w.request_id, w.calendar_version,
        w.outbox_id, w.payload
    FROM unnest(
        :ids::uuid[], :instructor_ids::uuid[], :student_ids::uuid[], :learner_ids::uuid[], :service_ids::uuid[],
        :start_ats::timestamptz[], :end_ats::timestamptz[], :time_zones::text[], :start_locals::text[],
        :buffers_before::integer[], :buffers_after::integer[], :modalities::text[], :places::text[],
        :notes::text[], :statuses::text[], :holds_expire_at::timestamptz[], :created_ats::timestamptz[],
        :prices::integer[], :platform_fees::integer[], :instructor_amounts::integer[], :credits_applied::integer[],
        :card_amounts::integer[], :destinations::integer[], :application_fees::integer[], :top_ups::integer[],
        :payment_statuses::text[], :payment_method_ids::text[], :timing_ids::uuid[], :timing_kinds::text[],
        :timing_due_ats::timestamptz[], :event_ids::uuid[], :events::text[], :actor_kinds::text[],
        :actor_ids::uuid[], :request_ids::text[], :calendar_versions::bigint[], :outbox_ids::uuid[],
        :payloads::jsonb[]
    ) AS w (
        id, instructor_id, student_id, learner_id, service_id, start_at, end_at, time_zone, start_local,
        buffer_before, buffer_after, modality, place, note, status, hold_expires_at, created_at, price,
        platform_fee, instructor_amount, credit, card_amount, destination, application_fee, top_up,
        payment_status, payment_method_id, timing_id, timing_kind, timing_due_at, event_id, event, actor_kind,
        actor_id, request_id, calendar_version, outbox_id, payload
    )
), won AS (
    INSERT INTO bookings (
        id, instructor_id, student_id, learner_id, service_id, start_at, end_at, time_zone, start_local,
        tzdb_version, buffer_before_minutes, buffer_after_minutes, modality, place, note, status,
        hold_expires_at, created_at, confirmed_at, price_cents, fee_bps, platform_fee_cents,
        instructor_amount_cents, credit_applied_cents, card_amount_cents, destination_cents,
        application_fee_cents, top_up_cents, policy_version
    )
    SELECT
        w.id, w.instructor_id, w.student_id, w.learner_id, w.service_id, w.start_at, w.end_at, w.time_zone,
        w.start_local, :tzdb_version, w.buffer_before, w.buffer_after, w.modality, w.place, w.note, w.status,
        w.hold_expires_at, w.created_at, CASE WHEN w.status = 'confirmed' THEN w.created_at END, w.price,
        :fee_bps, w.platform_fee, w.instructor_amount, w.credit, w.card_amount, w.destination,
        w.application_fee, w.top_up, :policy_version
    FROM wanted w
    -- a plain insert deadlocks where spans overlap without being equal
    ON CONFLICT DO NOTHING
    RETURNING id
), paid AS (
    INSERT INTO payments (booking_id, status, is_on_session, payment_method_id, created_at, updated_at)
    SELECT w.id, w.payment_status, w.payment_status = 'authorizing', w.payment_method_id, w.created_at, w.created_at
    FROM wanted w
    JOIN won ON won.id = w.id
), promised AS (
    INSERT INTO timings (id, kind, subject_id, booking_id, due_at, created_at)
    SELECT w.timing_id, w.timing_kind, w.id, w.id, w.timing_due_at, w.created_at
    FROM wanted w
    JOIN won ON won.id = w.id
), told AS (
    INSERT INTO booking_events (
        id, booking_id, instructor_id, calendar_version, event, became, actor_kind, actor_id, cause, request_id, at
    )
    SELECT
        w.event_id, w.id, w.instructor_id, w.calendar_version, w.event, w.status, w.actor_kind, w.actor_id, 'hold',
        w.request_id, w.created_at
    FROM wanted w
    JOIN won ON won.id = w.id
), staged AS (
    INSERT INTO outbox (id, topic, subject_id, user_ids, payload, created_at)
    SELECT w.outbox_id, w.event, w.id, ARRAY[w.student_id, w.instructor_id], w.payload, w.created_at
    FROM wanted w
    JOIN won ON won.id = w.id
), raised AS (
    UPDATE calendars c
    SET version = c.version + 1
    -- an array, not a join: nobody knows how many have won, and a join might read every calendar
    WHERE c.instructor_id = ANY(ARRAY(SELECT w.instructor_id FROM wanted w JOIN won ON won.id = w.id))
)
SELECT id FROM won
