-- Economics: what a node of each kind costs per hour, from the assets it consists of and the rates in force, for price
-- floors, break-even and payback.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- A part without a node of its own is where the asset is that it is a part of. A node's assets are averaged over the nodes
-- of its kind, so that one figure holds for each; a zone's own rate holds before the one of every zone.
CREATE FUNCTION node_kind_costs(asked_currency text, asked_cohort text)
RETURNS TABLE (zone_id uuid, gpu_model text, gpu_count integer, nodes bigint, capex_minor numeric,
               depreciation_nano_minor numeric, idle_w integer, full_w integer, tariff_u bigint, pue_milli integer,
               kw_month_u bigint, month_u bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH today AS (
        SELECT (sluice_now() AT TIME ZONE 'UTC')::date AS day
    ), placed AS (
        SELECT coalesce(a.node_id, whole.node_id) AS node_id, a.cost_minor, a.cost_minor - a.salvage_minor AS depreciable_minor,
               ((a.in_service + make_interval(months => a.life_months))::date - a.in_service) * 24 AS life_hours
          FROM asset a
          LEFT JOIN asset whole ON whole.id = a.component_of
          LEFT JOIN asset_book b ON b.asset_id = a.id
         CROSS JOIN today
         WHERE a.currency = asked_currency AND (asked_cohort IS NULL OR a.cohort = asked_cohort)
           AND coalesce(b.disposed_on > today.day, true)
    ), of_node AS (
        SELECT p.node_id, sum(p.cost_minor) AS capex_minor, sum(p.depreciable_minor * 1000000000.0 / p.life_hours) AS depreciation_nano_minor
          FROM placed p GROUP BY 1
    ), kind AS (
        SELECT n.zone_id, n.gpu_model, n.gpu_count, count(*) AS nodes, coalesce(sum(o.capex_minor), 0) AS capex_minor,
               round(coalesce(sum(o.depreciation_nano_minor), 0) / count(*)) AS depreciation_nano_minor
          FROM node n LEFT JOIN of_node o ON o.node_id = n.id
         WHERE n.retired_at IS NULL AND n.gpu_count > 0 AND (asked_cohort IS NULL OR o.node_id IS NOT NULL)
         GROUP BY 1, 2, 3
    ), rate AS (
        SELECT DISTINCT ON (z.id, r.pool, r.basis) z.id AS zone_id, r.pool, r.basis, r.amount_u, r.pue_milli
          FROM zone z JOIN cost_rate r ON r.zone_id = z.id OR r.zone_id IS NULL
         CROSS JOIN today
         WHERE r.currency = asked_currency AND r.valid @> today.day
         ORDER BY z.id, r.pool, r.basis, r.zone_id NULLS LAST
    )
    SELECT k.zone_id, k.gpu_model, k.gpu_count, k.nodes, k.capex_minor, k.depreciation_nano_minor,
           coalesce(p.idle_w, 0), coalesce(p.full_w, 0), r.tariff_u, r.pue_milli, r.kw_month_u,
           (r.node_month_u + r.gpu_month_u * k.gpu_count)::bigint
      FROM kind k
      LEFT JOIN power_profile p ON p.gpu_model = k.gpu_model AND p.gpu_count = k.gpu_count
     CROSS JOIN LATERAL (
        SELECT coalesce(max(amount_u) FILTER (WHERE basis = 'kwh'), 0) AS tariff_u,
               coalesce(max(rate.pue_milli), 1000) AS pue_milli,
               coalesce(sum(amount_u) FILTER (WHERE basis = 'kw_month'), 0)::bigint AS kw_month_u,
               coalesce(sum(amount_u) FILTER (WHERE basis = 'node_month'), 0) AS node_month_u,
               coalesce(sum(amount_u) FILTER (WHERE basis = 'gpu_month'), 0) AS gpu_month_u
          FROM rate WHERE rate.zone_id = k.zone_id) r;
END;
COMMENT ON FUNCTION node_kind_costs IS 'Per zone and kind of node (GPU model and count): how many there are, what they cost, their straight-line depreciation per node-hour in 1e-9 minor units, and what else a node of the kind costs; of a cohort''s assets only where one is asked for';
GRANT EXECUTE ON FUNCTION node_kind_costs TO sluice_api_system;
