-- Keeps balance transactions of one account, once each, and counts them up; returns those that are new.
WITH kept AS (
    INSERT INTO balance_transactions (
        account, id, kind, amount_cents, fee_cents, application_fee_cents, net_cents, leg_cents, is_reserve, currency,
        source, description, created_at, kept_at
    )
    SELECT
        :account, g.id, g.kind, g.amount_cents, g.fee_cents, g.application_fee_cents, g.net_cents, g.leg_cents,
        g.is_reserve, g.currency, g.source, g.description, g.created_at, :now
    FROM unnest(
        :ids::text[], :kinds::text[], :amounts_cents::bigint[], :fees_cents::bigint[],
        :application_fees_cents::bigint[], :nets_cents::bigint[], :legs_cents::bigint[], :are_reserves::boolean[],
        :currencies::text[], :sources::text[], :descriptions::text[], :instants::timestamptz[]
    ) AS g (
        id, kind, amount_cents, fee_cents, application_fee_cents, net_cents, leg_cents, is_reserve, currency, source,
        description, created_at
    )
    ON CONFLICT (account, id) DO NOTHING
    RETURNING id, net_cents, is_reserve
), counted AS (
    INSERT INTO reconciliation_accounts AS a (account, stripe_cents)
    SELECT :account, coalesce(sum(k.net_cents) FILTER (WHERE NOT k.is_reserve), 0) FROM kept k HAVING count(*) > 0
    ON CONFLICT (account) DO UPDATE SET stripe_cents = a.stripe_cents + excluded.stripe_cents
)
SELECT id FROM kept
