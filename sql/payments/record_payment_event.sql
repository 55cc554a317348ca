-- Adds one line to what happened to a booking: its payment moved.
INSERT INTO booking_events (
    id, booking_id, instructor_id, event, was, became, actor_kind, actor_id, cause, request_id, at, details
) VALUES (
    :event_id, :booking_id, :instructor_id, :event, :was, :became, :actor_kind, :actor_id, :cause,
    :request_id, :now, :details
)
