/* How far a zone's leader, and other readers of the event log, are behind it: SQL that several lists share. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// clang-format off
/* Counting ends 10,000 rows behind the cursor, whatever they are: a queue that long is told by its lag. */
#define COUNTED_AT_MOST "10000"

/* Events that `consumer` (SQL of its name) has yet to read, by the condition `of` beside: depth, oldest (real time). */
#define UNREAD_EVENTS(consumer, of)                                                                                    \
    "(SELECT count(*) AS depth, min(e.recorded_at) AS oldest FROM"                                                     \
    " (SELECT e.recorded_at, e.zone_id, e.object_type FROM event e"                                                    \
    " WHERE (e.xid, e.seq) > (coalesce((SELECT c.xid FROM event_cursor c WHERE c.consumer = " consumer                 \
    "), '0'::xid8),"                                                                                                   \
    " coalesce((SELECT c.seq FROM event_cursor c WHERE c.consumer = " consumer "), 0))"                                \
    " ORDER BY e.xid, e.seq LIMIT " COUNTED_AT_MOST ") e" of ")"

/* What of the log a zone's leader looks at: the wishes (provisioner/zone_wake.c). */
#define ZONE_WISHES                                                                                                    \
    "('reservation_wish', 'instance_wish', 'node_wish', 'maintenance_wish', 'reconciler_wish', 'zone', 'quota')"

/* Of the zone z. */
#define UNREAD_WISHES                                                                                                  \
    UNREAD_EVENTS("'zone:' || z.id", " WHERE e.zone_id = z.id AND e.object_type IN " ZONE_WISHES)

/* Real seconds since the oldest. */
#define UNREAD_FOR_S(oldest) "coalesce(greatest(extract(epoch FROM clock_timestamp() - " oldest ")::bigint, 0), 0)"
// clang-format on
