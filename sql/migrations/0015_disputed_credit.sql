-- Disputes that go on after they were lost, credit that a dispute may take, and refunds that are credit alone.
ALTER TABLE disputes
    DROP CONSTRAINT disputes_status_is_known,
    ADD CONSTRAINT disputes_status_is_known CHECK (
        status IN (
            'warning_needs_response', 'warning_under_review', 'warning_closed', 'needs_response', 'under_review', 'won',
            'lost', 'prevented', 'appeal_needs_response', 'appeal_under_review'
        )
    );

ALTER TABLE credit_lots
    ADD COLUMN frozen_at timestamptz,
    ADD COLUMN voided_at timestamptz,
    ADD CONSTRAINT credit_lots_voided_stay_frozen CHECK (voided_at IS NULL OR frozen_at IS NOT NULL);
CREATE INDEX credit_lots_restored ON credit_lots (restored_from) WHERE restored_from IS NOT NULL;

ALTER TABLE refunds ADD COLUMN is_credit boolean NOT NULL DEFAULT false;
