/* The statements' columns of a reservation or quote, by the names of its fields, with the revisions for the ETag. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// clang-format off
/* date_part: whole seconds fit a double, and extract would compute with numeric, five times as dear. */
#define RESERVATION_EPOCH(column) "date_part('epoch', r." column ")::bigint"
#define RESERVATION_COLUMNS(state) \
    "SELECT r.id, w.name AS tenant, r.name, r.project, t.name AS instance_type," \
    " CASE WHEN r.instance_type_id IS NULL THEN to_json(r.gpu_models) END AS \"shape.gpu_models\"," \
    " nullif(r.gpu_count, 0) AS \"shape.gpus\", nullif(r.gpu_milli, 0) AS \"shape.gpu_milli\"," \
    " r.cpu_milli AS \"shape.cpu_milli\", r.memory_mib AS \"shape.memory_mib\", r.count, z.name AS zone," \
    " " RESERVATION_EPOCH("starts_at") " AS starts_at, " RESERVATION_EPOCH("ends_at") " AS ends_at, r.duration_s," \
    " " RESERVATION_EPOCH("start_from") " AS \"start_range.from\", " RESERVATION_EPOCH("start_to") " AS \"start_range.to\"," \
    " r.within AS \"placement.within\"," \
    " CASE WHEN r.within_required THEN 'required' ELSE 'preferred' END AS \"placement.mode\"," \
    " r.spread AS \"placement.spread\", r.tier, r.if_unavailable, r.image, r.labels," \
    " to_json(r.ssh_keys) AS ssh_keys, r.user_data," \
    " " RESERVATION_EPOCH("created_at") " AS created_at, " RESERVATION_EPOCH("cancel_requested_at") " AS cancel_requested_at," \
    " " RESERVATION_EPOCH("hidden_at") " AS deleted_at," \
    " " state " AS \"status.state\", r.health AS \"status.health\", r.reason AS \"status.reason\"," \
    " " RESERVATION_EPOCH("granted_starts_at") " AS \"status.starts_at\", " RESERVATION_EPOCH("granted_ends_at") " AS \"status.ends_at\"," \
    " " RESERVATION_EPOCH("decided_at") " AS \"status.decided_at\", r.delivered_count AS \"status.delivered_count\"," \
    " r.binding AS \"status.binding\", r.alternatives AS \"status.alternatives\"," \
    " date_part('epoch', s.ends_by)::bigint AS \"status.ends_by\"," \
    " CASE WHEN s.state = 'waitlisted' THEN json_build_object(" \
    "    'position', waitlist_position(s.zone_id, s.decided_at, s.reservation_id)," \
    "    'estimated_start', to_char(s.estimated_starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')) END AS \"status.waitlist\"," \
    " r.wish_revision, r.status_revision"
// clang-format on
#define RESERVATION_FROM                                                                                               \
    " FROM reservation_view r JOIN zone z ON z.id = r.zone_id LEFT JOIN tenant w ON w.id = r.tenant_id"                \
    " LEFT JOIN instance_type t ON t.id = r.instance_type_id"                                                          \
    " LEFT JOIN reservation_status s ON s.reservation_id = r.id"
/* A quote is none until it is confirmed. */
#define IS_RESERVATION(row) "(" row ".hold_until IS NULL OR " row ".confirmed_at IS NOT NULL)"
