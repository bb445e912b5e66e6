-- Whoever gives way is paid until then, whether what stops it has come by then or not.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE meter_instance ADD COLUMN gives_way_at timestamptz;
COMMENT ON COLUMN meter_instance.gives_way_at IS 'From then on what is left of its window is preempted, whatever its class; null: it was not told to go';

CREATE OR REPLACE VIEW usage_so_far WITH (security_invoker = true) AS
SELECT u.period_start, u.period_end, u.tenant_id, u.reservation_id, u.node_id, u.gpu_milli, u.class FROM usage_interval u
UNION ALL
SELECT m.open_since, coalesce(least(m.gives_way_at, m.ends_at), 'infinity'), m.tenant_id, m.reservation_id, m.node_id, m.gpu_milli, m.class
  FROM meter_instance m WHERE NOT m.closed AND coalesce(m.gives_way_at, 'infinity') > m.open_since
UNION ALL
SELECT greatest(m.open_since, m.gives_way_at), coalesce(m.ends_at, 'infinity'), m.tenant_id, m.reservation_id, m.node_id, m.gpu_milli, 'preempted'
  FROM meter_instance m WHERE NOT m.closed AND m.gives_way_at < coalesce(m.ends_at, 'infinity');

RESET ROLE;
