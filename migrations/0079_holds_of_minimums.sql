-- What a limit holds for a reservation covers what lacks to a minimum duration, whenever it is ended: a window shorter than the minimum held less than
-- was billed, and so a limit could be passed.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;
GRANT CREATE ON SCHEMA sluice TO sluice_credit;
RESET ROLE;
SET LOCAL ROLE sluice_credit;
SET LOCAL search_path = sluice, pg_temp;

CREATE FUNCTION credit_cost(tenant uuid, in_project text, kind text, skus text[], in_tier text, in_currency text,
                            began_at timestamptz, from_at timestamptz, to_at timestamptz, gpu_milli bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH version AS (
        SELECT p.sku, p.valid, (p.project IS NOT NULL)::integer + (p.tenant_id IS NOT NULL)::integer AS rank,
               greatest(p.gpu_hour_u, (SELECT max((s->>'gpu_hour_u')::bigint) FROM jsonb_array_elements(p.tiers) s),
                        (SELECT max((s->>'gpu_hour_u')::bigint) FROM jsonb_array_elements(p.windows) s)) AS gpu_hour_u,
               coalesce(p.package_gpu_hours, 0) AS package_gpu_hours, p.minimum_s
          FROM price p
         WHERE p.sku_kind = kind AND (skus IS NULL OR p.sku = ANY (skus)) AND p.tier = in_tier AND p.currency = in_currency
           AND (p.tenant_id IS NULL OR p.tenant_id = tenant) AND (p.project IS NULL OR p.project = in_project)
           AND p.withdrawn_at IS NULL AND from_at < to_at AND p.valid && tstzrange(from_at, to_at)
    ), piece AS (
        -- Where a nearer book has a price of its own, a farther one does not hold.
        SELECT v.sku, v.gpu_hour_u, v.package_gpu_hours, r.part, extract(epoch FROM upper(r.part) - lower(r.part)) AS seconds,
               -- What is ended within the piece is billed as if it had run on, at this price, until it has run for the minimum.
               extract(epoch FROM greatest(upper(r.part), began_at + v.minimum_s * interval '1 second') - lower(r.part)) AS billed_s
          FROM version v
         CROSS JOIN LATERAL unnest(tstzmultirange(v.valid * tstzrange(from_at, to_at))
               - coalesce((SELECT range_agg(o.valid) FROM version o WHERE o.sku = v.sku AND o.rank > v.rank), '{}')) AS r (part)
    ), ended AS (
        SELECT coalesce(sum(ceil(p.gpu_hour_u * (p.seconds * gpu_milli + p.package_gpu_hours * 3600000.0) / 3600000)) OVER earlier, 0)
               + ceil(p.gpu_hour_u * (p.billed_s * gpu_milli + p.package_gpu_hours * 3600000.0) / 3600000) AS cost_u
          FROM piece p
        WINDOW earlier AS (PARTITION BY p.sku ORDER BY p.part ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    )
    SELECT least(coalesce(max(e.cost_u), 0), 9223372036854775807)::bigint FROM ended e;
END;
COMMENT ON FUNCTION credit_cost(uuid, text, text, text[], text, text, timestamptz, timestamptz, timestamptz, bigint) IS 'At most what usage of a size from an instant on comes to, micro-units, or the most that can be told, in whichever second up to its end it is ended: each second at the highest price that its book may ask (of tiers, windows and skus), a begun package paid whole, what lacks to the minimum duration of the price at the end, counted from when it began; what no price covers costs nothing, discounts and commitments lessen nothing';
REVOKE EXECUTE ON FUNCTION credit_cost(uuid, text, text, text[], text, text, timestamptz, timestamptz, timestamptz, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION credit_need(tenant uuid, in_project text, type uuid, models text[], in_tier text, in_currency text,
                            from_at timestamptz, to_at timestamptz, gpu_milli bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT credit_cost(credit_need.tenant, in_project, CASE WHEN type IS NULL THEN 'gpu_model' ELSE 'instance_type' END,
                       CASE WHEN type IS NULL THEN models ELSE ARRAY[(SELECT t.name FROM instance_type t WHERE t.id = type)] END,
                       in_tier, in_currency, from_at, greatest(from_at, b.closed_until),
                       coalesce(to_at, greatest(from_at, sluice_now()) + coalesce(n.on_demand_horizon_s, 86400) * interval '1 second'),
                       gpu_milli)
      FROM tenant n
     CROSS JOIN (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' AS closed_until FROM billing_day) b
     WHERE n.id = credit_need.tenant;
END;

CREATE OR REPLACE FUNCTION credit_settle_at(reservations uuid[], closed_until timestamptz) RETURNS bigint
LANGUAGE sql SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH found AS (
        SELECT h.reservation_id, v.state, v.status_revision, v.granted_starts_at AS starts_at, v.granted_ends_at AS ends_at,
               v.count * (v.gpu_count::bigint * 1000 + v.gpu_milli) AS gpu_milli,
               CASE WHEN v.state = 'held' AND v.confirmed_at IS NULL THEN v.hold_until END AS expires_at,
               v.tenant_id, v.project, v.tier, v.gpu_models, t.name AS type, h.currency, coalesce(n.on_demand_horizon_s, 86400) AS horizon_s
          FROM credit_hold h JOIN reservation_view v ON v.id = h.reservation_id
          JOIN tenant n ON n.id = h.tenant_id LEFT JOIN instance_type t ON t.id = v.instance_type_id
         WHERE h.state = 'pending' AND h.reservation_id = ANY (credit_settle_at.reservations)
    ), judged AS (
        SELECT f.*, f.starts_at IS NULL OR f.state IN ('pending', 'waitlisted', 'rejected', 'expired', 'cancelled') AS is_void,
               f.state = 'ended' AND f.ends_at <= credit_settle_at.closed_until AS is_rated,
               credit_cost(f.tenant_id, f.project, CASE WHEN f.type IS NULL THEN 'gpu_model' ELSE 'instance_type' END,
                           CASE WHEN f.type IS NULL THEN f.gpu_models ELSE ARRAY[f.type] END, f.tier, f.currency,
                           f.starts_at, greatest(f.starts_at, credit_settle_at.closed_until),
                           coalesce(f.ends_at, greatest(f.starts_at, sluice_now()) + f.horizon_s * interval '1 second'), f.gpu_milli) AS cost_u
          FROM found f
    ), changed AS (
        UPDATE credit_hold h
           SET state = CASE WHEN j.is_void THEN 'voided' WHEN j.is_rated THEN 'posted' ELSE 'pending' END,
               amount_u = CASE WHEN j.is_void OR j.is_rated THEN 0 ELSE j.cost_u END,
               starts_at = coalesce(j.starts_at, h.starts_at), ends_at = j.ends_at, gpu_milli = j.gpu_milli,
               status_revision = j.status_revision, expires_at = j.expires_at, changed_at = sluice_now()
          FROM judged j WHERE h.reservation_id = j.reservation_id
        RETURNING 1
    )
    SELECT count(*) FROM changed;
END;

DROP FUNCTION credit_cost(uuid, text, text, text[], text, text, timestamptz, timestamptz, bigint);

RESET ROLE;
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;
REVOKE CREATE ON SCHEMA sluice FROM sluice_credit;
RESET ROLE;
