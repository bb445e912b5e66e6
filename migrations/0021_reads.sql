-- Reads: what they need of a verdict stands in the view, so that they need not join it a second time.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE OR REPLACE VIEW reservation_view WITH (security_invoker = true) AS
SELECT r.id, r.tenant_id, r.principal_id, r.name, r.project, r.zone_id, r.instance_type_id, r.gpu_count, r.gpu_milli, r.gpu_models,
       r.cpu_milli, r.memory_mib, coalesce(s.granted_count, r.count) AS count,
       CASE WHEN s.granted_count IS NULL THEN r.starts_at ELSE s.terms_starts_at END AS starts_at,
       CASE WHEN s.granted_count IS NULL THEN r.ends_at ELSE s.terms_ends_at END AS ends_at,
       r.within, r.within_required, r.tier, r.if_unavailable,
       r.labels, r.image, r.decide_by, r.cancel_requested_at, r.hidden_at, r.created_at, r.revision AS wish_revision,
       coalesce(s.state, 'pending') AS state, coalesce(s.health, 'ok') AS health, coalesce(s.revision, 0) AS status_revision,
       s.reason, s.binding, s.alternatives, s.starts_at AS granted_starts_at, s.ends_at AS granted_ends_at, s.decided_at,
       coalesce(s.delivered_count, 0) AS delivered_count, s.last_error,
       r.spread,
       CASE WHEN s.granted_count IS NULL THEN r.duration_s END AS duration_s,
       CASE WHEN s.granted_count IS NULL THEN r.start_from END AS start_from,
       CASE WHEN s.granted_count IS NULL THEN r.start_to END AS start_to,
       r.quote_ttl_s, r.hold_until, r.confirmed_at, r.ssh_keys, r.authorized_keys, r.user_data,
       s.ends_by, s.estimated_starts_at
  FROM reservation r LEFT JOIN reservation_status s ON s.reservation_id = r.id;
