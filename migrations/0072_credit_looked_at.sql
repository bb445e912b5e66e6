-- What a credit limit says of terms without holding anything: for previews, by what a verdict's question is decided by.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;
GRANT CREATE ON SCHEMA sluice TO sluice_credit;
RESET ROLE;
SET LOCAL ROLE sluice_credit;
SET LOCAL search_path = sluice, pg_temp;

CREATE FUNCTION credit_need(tenant uuid, in_project text, type uuid, models text[], in_tier text, in_currency text,
                            from_at timestamptz, to_at timestamptz, gpu_milli bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT credit_cost(credit_need.tenant, in_project, CASE WHEN type IS NULL THEN 'gpu_model' ELSE 'instance_type' END,
                       CASE WHEN type IS NULL THEN models ELSE ARRAY[(SELECT t.name FROM instance_type t WHERE t.id = type)] END,
                       in_tier, in_currency, greatest(from_at, b.closed_until),
                       coalesce(to_at, greatest(from_at, sluice_now()) + coalesce(n.on_demand_horizon_s, 86400) * interval '1 second'),
                       gpu_milli)
      FROM tenant n
     CROSS JOIN (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' AS closed_until FROM billing_day) b
     WHERE n.id = credit_need.tenant;
END;
COMMENT ON FUNCTION credit_need IS 'At most what terms may still cost their tenant beyond what is rated, micro-units; without an end: for as long as the tenant is promised, or a day';

CREATE FUNCTION credit_bears(limit_u bigint, used_u bigint, held_u bigint, had_u bigint, needed_u bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT needed_u <= had_u OR used_u + held_u + needed_u <= limit_u;
END;
COMMENT ON FUNCTION credit_bears IS 'Does a limit bear what is needed, beside what is used and what is held for others? What is held for the same already always is';

CREATE OR REPLACE FUNCTION credit_ask(reservations uuid[], starts bigint[], ends bigint[], counts bigint[])
RETURNS TABLE (ordinal bigint, is_covered boolean, currency text, limit_u bigint, used_u bigint, held_u bigint, needed_u bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
#variable_conflict use_column
DECLARE
    present timestamptz := sluice_now();
    asked record;
    tenant uuid;
    had bigint;
    used bigint;
    held bigint;
BEGIN
    -- One verdict of a tenant after the other, whichever zone it is of; all rows at once and in order, so that nobody waits in a ring.
    PERFORM FROM credit_limit l
      WHERE l.tenant_id IN (SELECT r.tenant_id FROM reservation r WHERE r.id = ANY (reservations))
      ORDER BY l.tenant_id, l.currency FOR UPDATE;
    -- What follows sees what those committed whom this waited for: each statement has a snapshot of its own.
    FOR asked IN
        SELECT a.ordinal, r.id, r.tenant_id, l.currency, l.limit_u, w.starts_at, w.ends_at, w.gpu_milli, r.hold_until,
               credit_need(r.tenant_id, r.project, r.instance_type_id, r.gpu_models, r.tier, l.currency, w.starts_at, w.ends_at,
                           w.gpu_milli) AS cost_u
          FROM unnest(reservations, starts, ends, counts) WITH ORDINALITY AS a (id, starts_s, ends_s, count, ordinal)
          JOIN reservation r ON r.id = a.id
          JOIN tenant n ON n.id = r.tenant_id
          JOIN credit_limit l ON l.tenant_id = r.tenant_id AND l.currency = n.currency
         CROSS JOIN LATERAL (SELECT to_timestamp(a.starts_s) AS starts_at, to_timestamp(a.ends_s) AS ends_at,
                                    a.count * (r.gpu_count::bigint * 1000 + r.gpu_milli) AS gpu_milli) w
         ORDER BY r.tenant_id, a.ordinal
    LOOP
        IF asked.tenant_id IS DISTINCT FROM tenant THEN
            tenant := asked.tenant_id;
            SELECT coalesce(b.unbilled_u, 0) + coalesce(b.receivable_u, 0) - coalesce(b.customer_credit_u, 0) - coalesce(b.prepaid_u, 0),
                   coalesce(b.held_u, 0)
              INTO used, held FROM credit_balances(tenant) b WHERE b.currency = asked.currency;
            used := coalesce(used, 0);
            held := coalesce(held, 0);
        END IF;
        had := coalesce((SELECT h.amount_u FROM credit_hold h WHERE h.reservation_id = asked.id), 0);
        ordinal := asked.ordinal;
        is_covered := credit_bears(asked.limit_u, used, held - had, had, asked.cost_u);
        currency := asked.currency;
        limit_u := asked.limit_u;
        used_u := used;
        held_u := held - had;
        needed_u := asked.cost_u;
        IF is_covered THEN
            -- Until the verdict is written both the old terms and the new ones may become true.
            INSERT INTO credit_hold AS h (reservation_id, tenant_id, currency, state, amount_u, starts_at, ends_at, gpu_milli, status_revision, expires_at)
            VALUES (asked.id, tenant, asked.currency, 'pending', asked.cost_u, asked.starts_at, asked.ends_at, asked.gpu_milli, 0, asked.hold_until)
            ON CONFLICT (reservation_id) DO UPDATE
               SET state = 'pending', amount_u = greatest(h.amount_u, excluded.amount_u), changed_at = present;
            held := held - had + greatest(had, asked.cost_u);
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

CREATE FUNCTION credit_look(reservation uuid, tenant uuid, in_project text, type uuid, models text[], in_tier text,
                            starts bigint, ends bigint, gpu_milli bigint)
RETURNS TABLE (is_covered boolean, currency text, limit_u bigint, used_u bigint, held_u bigint, needed_u bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT credit_bears(l.limit_u, b.used_u, b.held_u - h.had_u, h.had_u, c.needed_u), l.currency, l.limit_u, b.used_u, b.held_u - h.had_u,
           c.needed_u
      FROM tenant n
      JOIN credit_limit l ON l.tenant_id = n.id AND l.currency = n.currency
     CROSS JOIN LATERAL (
        SELECT coalesce(sum(coalesce(b.unbilled_u, 0) + coalesce(b.receivable_u, 0) - coalesce(b.customer_credit_u, 0)
                            - coalesce(b.prepaid_u, 0)), 0)::bigint AS used_u,
               coalesce(sum(b.held_u), 0)::bigint AS held_u
          FROM credit_balances(n.id) b WHERE b.currency = l.currency) b
     CROSS JOIN LATERAL (
        SELECT coalesce(max(h.amount_u), 0) AS had_u FROM credit_hold h WHERE h.reservation_id = credit_look.reservation) h
     CROSS JOIN LATERAL (
        SELECT credit_need(n.id, in_project, type, models, in_tier, l.currency, to_timestamp(starts), to_timestamp(ends),
                           credit_look.gpu_milli) AS needed_u) c
     WHERE n.id = credit_look.tenant;
END;
COMMENT ON FUNCTION credit_look IS 'What credit_ask would say of one reservation, which need not be there, with these terms (seconds; an end of null: open): nothing is held, nobody waits. No row: the tenant has no limit in its currency';

REVOKE EXECUTE ON FUNCTION credit_need, credit_bears, credit_look FROM PUBLIC;
GRANT EXECUTE ON FUNCTION credit_look TO sluice_provisioner;
RESET ROLE;
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;
REVOKE CREATE ON SCHEMA sluice FROM sluice_credit;
RESET ROLE;
