/* Nodes: what their files share. node.c makes them, shows them and acts upon them; node_change.c replaces and retires
 * them. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

struct node {
    const char *id;
    const char *name;
    const char *zone;
    const char *fabric;
    const char *leaf; /* NULL: not said */
    const char *rack;
    const char *nvlink_domain;
    const char *gpu_model;
    int64_t gpu_count;
    const char *gpu_grouping;
    int64_t cpu_milli;
    int64_t memory_mib;
    int64_t turnaround_s;
    const char *labels;
};

extern const struct schema node_schema;
extern const struct object_lock node_lock; /* of one that is not retired; node_locked_zone */
/* The zone of the node that is locked. */
const char *node_locked_zone(const struct request *request);
/* Whether the node {id} is there, for what stands below its address; 404 otherwise. */
extern const struct db_stmt node_find_statement;
MUST_CHECK enum err_kind node_find(struct request *request, struct err *reterr);
/* The node {id} as it is. */
enum err_kind node_show(struct request *request, struct response *response, struct err *reterr);

/* The zone ($1, by name), and the place within: fabric ($2 id, $3 name), rack ($4, $5) and leaf ($6, $7; may be null)
 * are made by first mention. The updates of nothing let a row be returned whether it was there or not. A rack whose
 * leaf was not known learns it; one that is behind a leaf stays there. */
// clang-format off
#define NODE_PLACE                                                                                                     \
    "WITH wanted AS (SELECT id FROM zone WHERE name = $1), before AS ("                                                \
    "  SELECT r.leaf_id FROM wanted JOIN fabric f ON f.zone_id = wanted.id AND f.name = $3"                            \
    "    JOIN rack r ON r.fabric_id = f.id AND r.name = $5"                                                            \
    "), fabric_of AS ("                                                                                                \
    "  INSERT INTO fabric AS f (id, zone_id, name) SELECT $2::uuid, id, $3 FROM wanted"                                \
    "  ON CONFLICT (zone_id, name) DO UPDATE SET name = f.name RETURNING f.id"                                         \
    "), leaf_of AS ("                                                                                                  \
    "  INSERT INTO leaf AS l (id, fabric_id, name) SELECT $6::uuid, id, $7::text FROM fabric_of WHERE $7::text IS NOT NULL" \
    "  ON CONFLICT (fabric_id, name) DO UPDATE SET name = l.name RETURNING l.id"                                       \
    "), rack_of AS ("                                                                                                  \
    "  INSERT INTO rack AS r (id, fabric_id, name, leaf_id)"                                                           \
    "  SELECT $4::uuid, id, $5, (SELECT id FROM leaf_of) FROM fabric_of"                                               \
    "  ON CONFLICT (fabric_id, name) DO UPDATE SET leaf_id = coalesce(r.leaf_id, excluded.leaf_id)"                    \
    "  RETURNING r.id, r.leaf_id"                                                                                      \
    ")"
/* What became of it: the zone, whether the rack is behind the leaf that was named, and whether it has just learned so. */
#define NODE_PLACED                                                                                                    \
    "wanted.id AS zone_id,"                                                                                            \
    " $7::text IS NULL OR (SELECT leaf_id FROM rack_of) IS NOT DISTINCT FROM (SELECT id FROM leaf_of) AS is_behind,"   \
    " $7::text IS NOT NULL AND EXISTS (SELECT FROM before WHERE leaf_id IS NULL) AS is_rewired"
// clang-format on
struct node_place {
    const char *zone, *fabric, *rack, *leaf;
    char fabric_id[UUID_TEXT_SIZE], rack_id[UUID_TEXT_SIZE], leaf_id[UUID_TEXT_SIZE];
};
struct node_place node_place_of(const struct node *wish);
/* From $1 on. */
#define NODE_PLACE_PARAMS(place)                                                                                       \
    (place).zone, (place).fabric_id, (place).fabric, (place).rack_id, (place).rack, (place).leaf_id, (place).leaf
/* Checks the row that a statement with both answered; no row, or no zone: there is none of that name. */
MUST_CHECK enum err_kind node_placed(struct request *request, const struct node *wish, const PGresult *result,
                                     struct err *reterr);
/* After what changed the node: where its rack has learned its leaf, the zone's planner takes the zone in anew. */
MUST_CHECK enum err_kind node_tell(struct request *request, const PGresult *result, const char *id, int64_t revision,
                                   const char *event_kind, struct err *reterr);
