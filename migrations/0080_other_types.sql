-- What a refusal offers of other types, and what a preview no longer asks the database.

SET LOCAL ROLE sluice_owner;
GRANT CREATE ON SCHEMA sluice TO sluice_batch;
RESET ROLE;
SET LOCAL ROLE sluice_batch;
-- A tenant's connection reads no node; which GPU models a zone has is no secret of it.
CREATE FUNCTION sluice.zone_has_model(zone uuid, models text[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER COST 1000 SET search_path = sluice, pg_temp AS $$
    SELECT EXISTS (SELECT FROM node n WHERE n.zone_id = zone AND n.gpu_model = ANY (models));
$$;
COMMENT ON FUNCTION sluice.zone_has_model IS 'Whether a node of one of these GPU models is enrolled in the zone';
REVOKE EXECUTE ON FUNCTION sluice.zone_has_model FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sluice.zone_has_model TO sluice_api;

-- As before, but for what is sold without an end, which provisioners of this schema read themselves.
CREATE OR REPLACE FUNCTION sluice.admission_preview(
    ids uuid[], tenants uuid[], principals uuid[], keys text[], hashes bytea[], names text[], projects text[], zones text[],
    types text[], gpu_counts integer[], gpu_millis integer[], models text[], cpu_millis bigint[], memory_mibs bigint[],
    counts integer[], starts bigint[], ends bigint[], durations bigint[], start_froms bigint[], start_tos bigint[], withins text[],
    requireds boolean[], spreads text[], tiers text[], unavailables text[], labels jsonb[], images text[],
    wished_keys text[], user_datas text[], ttls integer[], quotes uuid[], audits uuid[], requests text[], remotes text[])
RETURNS TABLE (outcome text, object_id uuid, created_at_s bigint, hold_until_s bigint, zone_id uuid, question json, sku_kind text,
               sku text, currency text, gpu_milli bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
#variable_conflict use_column
DECLARE
    said record;
    wished record;
BEGIN
    IF cardinality(ids) <> 1 OR tenants[1] IS DISTINCT FROM nullif(current_setting('sluice.tenant', true), '')::uuid THEN
        RAISE insufficient_privilege USING MESSAGE = 'a preview is of one wish, of the tenant who asks';
    END IF;
    BEGIN
        SELECT e.outcome, e.object_id, e.created_at_s INTO STRICT said
          FROM admission_enter(ids, tenants, principals, NULL, NULL, names, projects, zones, types, gpu_counts, gpu_millis, models,
                               cpu_millis, memory_mibs, counts, starts, ends, durations, start_froms, start_tos, withins, requireds,
                               spreads, tiers, unavailables, labels, images, wished_keys, user_datas, ttls, quotes, audits, requests,
                               remotes) e;
        -- A statement of its own: the one before does not see what it made.
        SELECT extract(epoch FROM r.hold_until)::bigint AS hold_until_s, r.zone_id, w.currency,
               r.count * (r.gpu_count::bigint * 1000 + r.gpu_milli) AS gpu_milli,
               CASE WHEN t.id IS NULL THEN 'gpu_model' ELSE 'instance_type' END AS sku_kind,
               CASE WHEN t.id IS NOT NULL THEN t.name WHEN cardinality(r.gpu_models) = 1 THEN r.gpu_models[1] END AS sku,
               json_build_object(
                   'terms', json_build_object('reservation', r.id, 'tenant', r.tenant_id, 'count', r.count, 'gpus', r.gpu_count,
                       'gpu_milli', r.gpu_milli, 'cpu_milli', r.cpu_milli, 'memory_mib', r.memory_mib,
                       'gpu_models', to_json(r.gpu_models), 'scope', r.within, 'scope_preferred', NOT r.within_required,
                       'spread', r.spread, 'preemptible', r.tier = 'preemptible'),
                   'project', r.project, 'if_unavailable', r.if_unavailable,
                   'from_s', extract(epoch FROM coalesce(r.starts_at, r.start_from))::bigint,
                   'to_s', extract(epoch FROM r.ends_at)::bigint,
                   'duration_s', r.duration_s, 'start_to_s', extract(epoch FROM r.start_to)::bigint,
                   'hold_until_s', extract(epoch FROM r.hold_until)::bigint,
                   'horizon_s', CASE WHEN r.ends_at IS NULL AND r.duration_s IS NULL AND r.tier <> 'preemptible'
                                     THEN w.on_demand_horizon_s END,
                   'type', r.instance_type_id, 'open_max_percent', t.open_ended_max_percent,
                   'posted', json_build_object('name', r.name, 'instance_type', t.name, 'image', r.image, 'tier', r.tier,
                       'labels', r.labels::text, 'ssh_keys', to_jsonb(r.ssh_keys)::text, 'user_data', r.user_data,
                       'ttl_s', r.quote_ttl_s)) AS question
          INTO wished
          FROM reservation r JOIN tenant w ON w.id = r.tenant_id LEFT JOIN instance_type t ON t.id = r.instance_type_id
         WHERE r.id = said.object_id;
        RAISE EXCEPTION 'only a preview' USING ERRCODE = 'SLU01';
    EXCEPTION WHEN SQLSTATE 'SLU01' THEN
        NULL;
    END;
    RETURN QUERY SELECT said.outcome, said.object_id, said.created_at_s, wished.hold_until_s, wished.zone_id, wished.question,
                        wished.sku_kind, wished.sku, wished.currency, wished.gpu_milli;
END $$;
RESET ROLE;
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;
REVOKE CREATE ON SCHEMA sluice FROM sluice_batch;
RESET ROLE;
