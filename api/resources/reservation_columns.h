/* The statements' columns of a reservation or quote, by the names of its fields, with the revisions for the ETag. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// clang-format off
/* date_part: whole seconds fit a double, and extract would compute with numeric, five times as dear. */
#define RESERVATION_EPOCH(column) "date_part('epoch', r." column ")::bigint"
/* In the order of the fields, so that each is found where it is looked for first. */
#define RESERVATION_COLUMNS_WITH(authorized_keys, state) \
    "SELECT r.id, w.name AS tenant, r.name, r.project, t.name AS instance_type," \
    " CASE WHEN r.instance_type_id IS NULL THEN to_json(r.gpu_models) END AS \"shape.gpu_models\"," \
    " nullif(r.gpu_count, 0) AS \"shape.gpus\", nullif(r.gpu_milli, 0) AS \"shape.gpu_milli\"," \
    " r.cpu_milli AS \"shape.cpu_milli\", r.memory_mib AS \"shape.memory_mib\", r.count, z.name AS zone," \
    " " RESERVATION_EPOCH("starts_at") " AS starts_at, " RESERVATION_EPOCH("ends_at") " AS ends_at, r.duration_s," \
    " " RESERVATION_EPOCH("start_from") " AS \"start_range.from\", " RESERVATION_EPOCH("start_to") " AS \"start_range.to\"," \
    " r.within AS \"placement.within\"," \
    " CASE WHEN r.within_required THEN 'required' ELSE 'preferred' END AS \"placement.mode\"," \
    " r.spread AS \"placement.spread\", r.tier, r.if_unavailable, r.image, to_json(r.ssh_keys) AS ssh_keys, r.user_data," \
    authorized_keys \
    " r.labels, " RESERVATION_EPOCH("created_at") " AS created_at," \
    " " RESERVATION_EPOCH("cancel_requested_at") " AS cancel_requested_at," \
    " " state " AS \"status.state\", r.health AS \"status.health\", r.reason AS \"status.reason\"," \
    " " RESERVATION_EPOCH("granted_starts_at") " AS \"status.starts_at\", " RESERVATION_EPOCH("granted_ends_at") " AS \"status.ends_at\"," \
    " " RESERVATION_EPOCH("ends_by") " AS \"status.ends_by\", " RESERVATION_EPOCH("decided_at") " AS \"status.decided_at\"," \
    " r.delivered_count AS \"status.delivered_count\"," \
    " CASE WHEN r.state = 'waitlisted' THEN json_build_object(" \
    "    'position', waitlist_position(r.zone_id, r.decided_at, r.id)," \
    "    'estimated_start', to_char(r.estimated_starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')) END AS \"status.waitlist\"," \
    " r.binding AS \"status.binding\", r.alternatives AS \"status.alternatives\"," \
    " " RESERVATION_EPOCH("hidden_at") " AS deleted_at, r.wish_revision, r.status_revision"
#define RESERVATION_COLUMNS(state) RESERVATION_COLUMNS_WITH("", state)
// clang-format on
/* r: reservation_view, or what is selected from it. */
#define RESERVATION_FROM_ROWS(rows)                                                                                    \
    " FROM " rows " r JOIN zone z ON z.id = r.zone_id LEFT JOIN tenant w ON w.id = r.tenant_id"                        \
    " LEFT JOIN instance_type t ON t.id = r.instance_type_id"
#define RESERVATION_FROM RESERVATION_FROM_ROWS("reservation_view")
/* A quote is none until it is confirmed. */
#define IS_RESERVATION(row) "(" row ".hold_until IS NULL OR " row ".confirmed_at IS NOT NULL)"
