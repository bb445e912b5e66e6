/* How an instance gets onto a node. The reconciler tells a driver what it wants and asks what is; it never assumes
 * that an order worked.
 *
 * A driver works in two steps, so that deciding stays free of I/O: orders and reports are taken in memory; what they
 * need is read before (load) and what they changed is written after (save), set-based, in the reconciler's
 * transaction, and with it what consoles said. A driver whose order takes effect at once reports it at once. One thread
 * uses a driver. Instants are domain time, seconds. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"
#include "common/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_stmt;
struct driver;

#define DRIVER_NEVER        INT64_MAX
#define DRIVER_ADDRESS_SIZE 64
#define DRIVER_LINE_SIZE    1024 /* bytes of a console's line, its zero included; the table's check knows it, too */
#define DRIVER_LINES_KEPT   1000 /* of a stay: some 100 KB, as other clouds show of a console */

/* What the node says of a workload. */
enum driver_state {
    DRIVER_ABSENT, /* it knows none */
    DRIVER_STARTING,
    DRIVER_UP,
    DRIVER_BROKEN, /* the start failed */
    DRIVER_STOPPING,
    DRIVER_DOWN,
};

/* One stay of an instance on a node. */
struct driver_workload {
    struct identity instance;
    int64_t incarnation;
    struct identity node;
    struct identity tenant; /* whose */
};

/* What a console said. */
struct driver_line {
    struct driver_workload is; /* on which stay */
    int64_t number;            /* 1, 2, ... within the stay: one that comes again is the same line, and is kept once */
    int64_t at_s;
    const char *text; /* UTF-8 without control characters, below DRIVER_LINE_SIZE bytes: console_text makes it so */
};

struct driver_lines {
    const struct driver_line *lines;
    size_t count;
};

struct driver_report {
    enum driver_state state;
    int64_t look_again_s; /* when it may say something else; DRIVER_NEVER: when told */
    char address[DRIVER_ADDRESS_SIZE];
};

/* Of the zone, as its row says. */
struct driver_settings {
    struct identity zone;
    int64_t start_s;
    int64_t stop_s;
    int64_t fail_ppm;
    int64_t seed;
};

struct driver_ops {
    const char *name;
    const struct db_stmt *const *statements; /* NULL-terminated */
    struct driver *(*open)(void);
    void (*close)(struct driver *driver);
    void (*set)(struct driver *driver, const struct driver_settings *settings);
    /* How long a stop takes at most: part of the time between two tenants. */
    int64_t (*stop_limit_s)(const struct driver *driver);
    /* Queues the statement that reads what the instances of these reservations (array parameter of uuids) run; takes
     * its answer. */
    enum err_kind (*load_send)(struct driver *driver, struct db *db, const char *reservations, struct err *reterr);
    enum err_kind (*load_receive)(struct driver *driver, struct db *db, struct err *reterr);
    /* Orders; idempotent: where nothing is there stop does nothing. attempt counts from 1 within an incarnation, and
     * anew each time that its tenant has it started. */
    void (*start)(struct driver *driver, const struct driver_workload *workload, int64_t attempt, int64_t now_s);
    void (*stop)(struct driver *driver, const struct driver_workload *workload, int64_t now_s);
    /* The node is gone, and what ran on it; or what was stopped needs no memory. */
    void (*forget)(struct driver *driver, const struct driver_workload *workload, int64_t now_s);
    void (*report)(struct driver *driver, const struct driver_workload *workload, int64_t now_s,
                   struct driver_report *ret);
    /* What consoles said and is not saved yet, those of a stay in order, the newest DRIVER_LINES_KEPT of it at most.
     * Valid until the driver is called again. It is saved in the transaction of what save_send writes: a driver whose
     * world is the database says each line once, with the change that it tells of. A driver that listens to its nodes
     * (serial over LAN, an agent) collects beside the reconciler, within bounds of its own; as long as it has something
     * to say a piece of work begins for that, and it says the same again until reset tells that it is saved. */
    struct driver_lines (*said)(const struct driver *driver);
    /* Queues the statements that write what changed, and says how many answers to take. */
    enum err_kind (*save_send)(struct driver *driver, struct db *db, int *ret_answers, struct err *reterr);
    /* Forgets what was loaded: the next piece of work reads again. is_saved: what was said is in the database; else it
     * is not, or nobody knows. */
    void (*reset)(struct driver *driver, bool is_saved);
};

extern const struct driver_ops driver_sim;
