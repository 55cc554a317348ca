-- Keeps what Stripe shows of a payout, one not ours too; an older look undoes nothing. True: it is news.
WITH before AS (
    SELECT
        id, state,
        CASE
            WHEN state = 'refused' OR :rank >= array_position(ARRAY['requested', 'in_transit', 'paid'], state) - 1 THEN :state
            ELSE state
        END AS next_state
    FROM payouts
    WHERE instructor_id = :instructor_id AND (id = :payout_id OR stripe_payout_id = :stripe_payout_id)
    FOR UPDATE
), known AS (
    UPDATE payouts p
    SET state = b.next_state,
        net_cents = :net_cents,
        fee_cents = :fee_cents,
        fee_refunded_cents = greatest(p.fee_refunded_cents, :fee_refunded_cents),
        stripe_payout_id = :stripe_payout_id,
        arrival_at = :arrival_at,
        failure_code = CASE WHEN b.state = 'refused' THEN :failure_code ELSE coalesce(:failure_code, p.failure_code) END,
        finished_at = CASE WHEN b.next_state <> b.state THEN :finished_at ELSE p.finished_at END
    FROM before b
    WHERE p.id = b.id
    RETURNING b.next_state <> b.state AS is_news
), added AS (
    INSERT INTO payouts (
        id, instructor_id, state, is_instant, is_asked, net_cents, fee_cents, fee_refunded_cents, currency, stripe_payout_id,
        arrival_at, failure_code, created_at, finished_at
    )
    SELECT
        :payout_id, :instructor_id, :state, :is_instant, false, :net_cents, :fee_cents, :fee_refunded_cents, :currency,
        :stripe_payout_id, :arrival_at, :failure_code, :now, :finished_at
    WHERE NOT EXISTS (SELECT id FROM before)
    RETURNING true AS is_news
)
SELECT is_news FROM known
UNION ALL
SELECT is_news FROM added
