-- Stores a webhook event, once by its id, before anybody works on it.
INSERT INTO stripe_events (
    id, type, account, object_id, api_version, payload, state, received_at, next_attempt_at,
    worked_at, error
) VALUES (
    :event_id, :event_type, :account, :object_id, :api_version, :payload, :state, :now, :now, :worked_at, :error
)
ON CONFLICT (id) DO NOTHING
RETURNING id
