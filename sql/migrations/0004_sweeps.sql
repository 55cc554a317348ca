-- Indexes for what looks at little of much: the safety nets, and the journal of one person.
CREATE INDEX payments_moving ON payments (updated_at)
    WHERE status IN (
        'authorizing', 'authorized', 'auth_retry', 'auth_lost', 'card_required', 'action_required',
        'capturing', 'captured', 'crediting', 'releasing'
    );
CREATE INDEX bookings_confirmed_by_start ON bookings (start_at) WHERE status = 'confirmed';
CREATE INDEX bookings_ended_by_time ON bookings (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX ledger_entries_by_user ON ledger_entries USING gin (user_ids) WITH (fastupdate = off);
