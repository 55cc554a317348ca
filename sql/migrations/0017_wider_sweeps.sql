-- The safety net also looks for top-ups and debts that nothing carries on with.
DROP INDEX payments_moving;
CREATE INDEX payments_moving ON payments (updated_at)
    WHERE status IN (
        'authorizing', 'authorized', 'auth_retry', 'auth_lost', 'card_required', 'action_required',
        'capturing', 'captured', 'crediting', 'releasing', 'payout_pending', 'collection'
    );
