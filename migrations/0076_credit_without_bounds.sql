-- Terms that cost more than an amount can tell are refused like all that a limit does not bear: as an error they held up the verdicts of their whole zone.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;
GRANT CREATE ON SCHEMA sluice TO sluice_credit;
RESET ROLE;
SET LOCAL ROLE sluice_credit;
SET LOCAL search_path = sluice, pg_temp;

CREATE OR REPLACE FUNCTION credit_cost(tenant uuid, in_project text, kind text, skus text[], in_tier text, in_currency text,
                                       from_at timestamptz, to_at timestamptz, gpu_milli bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH version AS (
        SELECT p.sku, p.valid, (p.project IS NOT NULL)::integer + (p.tenant_id IS NOT NULL)::integer AS rank,
               greatest(p.gpu_hour_u, (SELECT max((s->>'gpu_hour_u')::bigint) FROM jsonb_array_elements(p.tiers) s),
                        (SELECT max((s->>'gpu_hour_u')::bigint) FROM jsonb_array_elements(p.windows) s)) AS gpu_hour_u,
               coalesce(p.package_gpu_hours, 0) AS package_gpu_hours
          FROM price p
         WHERE p.sku_kind = kind AND (skus IS NULL OR p.sku = ANY (skus)) AND p.tier = in_tier AND p.currency = in_currency
           AND (p.tenant_id IS NULL OR p.tenant_id = tenant) AND (p.project IS NULL OR p.project = in_project)
           AND p.withdrawn_at IS NULL AND from_at < to_at AND p.valid && tstzrange(from_at, to_at)
    ), piece AS (
        -- Where a nearer book has a price of its own, a farther one does not hold.
        SELECT v.sku, v.gpu_hour_u, v.package_gpu_hours, extract(epoch FROM upper(r.part) - lower(r.part)) AS seconds
          FROM version v
         CROSS JOIN LATERAL unnest(tstzmultirange(v.valid * tstzrange(from_at, to_at))
               - coalesce((SELECT range_agg(o.valid) FROM version o WHERE o.sku = v.sku AND o.rank > v.rank), '{}')) AS r (part)
    )
    SELECT least(coalesce(max(c.cost_u), 0), 9223372036854775807)::bigint
      FROM (SELECT sum(ceil(p.gpu_hour_u * (p.seconds * gpu_milli + p.package_gpu_hours * 3600000.0) / 3600000)) AS cost_u
              FROM piece p GROUP BY p.sku) c;
END;
COMMENT ON FUNCTION credit_cost IS 'At most what usage of a size in a window comes to, micro-units, or the most that can be told: each second at the highest price that its book may ask (of tiers, windows and skus), a begun package paid whole; what no price covers costs nothing, discounts and commitments lessen nothing';

-- Their sum may be more than any of them can tell.
CREATE OR REPLACE FUNCTION credit_bears(limit_u bigint, used_u bigint, held_u bigint, had_u bigint, needed_u bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT needed_u <= had_u OR used_u::numeric + held_u + needed_u <= limit_u;
END;

RESET ROLE;
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;
REVOKE CREATE ON SCHEMA sluice FROM sluice_credit;
RESET ROLE;
