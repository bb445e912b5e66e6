/* Notifications: LISTEN, and waiting for one of several things to happen. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/clock.h"
#include "common/db_internal.h"
#include "common/must.h"
#include "common/shutdown.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static bool knows_channel(const struct db *db, const char *channel)
{
    for (size_t i = 0; i < db->channel_count; i++) {
        if (strcmp(db->channels[i], channel) == 0)
            return true;
    }
    return false;
}

enum err_kind db_listen(struct db *db, const char *channel, struct err *reterr)
{
    must(!db->in_transaction && !db->in_pipeline);
    must(channel[0] != '\0' && strlen(channel) < 64); /* PostgreSQL's NAMEDATALEN */
    if (!knows_channel(db, channel)) {
        db->channels = alloc_resize(db->channels, db->channel_count + 1, sizeof *db->channels);
        db->channels[db->channel_count++] = alloc_text(channel);
        db_disconnect(db); /* opening a connection says LISTEN for every channel: one way, used once at the start */
    }
    return db_ready(db, reterr);
}

struct notified {
    bool any;
    bool ends_rest; /* somebody is in a hurry */
};

/* unhurried: the payload that does not end a rest; NULL: every one does. */
static void take_notifications(struct db *db, const char *unhurried, struct notified *ret)
{
    bool is_new = db->reconnected; /* what came while nobody listened is lost: look at the tables */
    db->reconnected = false;
    ret->any |= is_new;
    ret->ends_rest |= is_new;
    for (PGnotify *notify = PQnotifies(db->connection); notify != NULL; notify = PQnotifies(db->connection)) {
        bool is_of_others = notify->be_pid != PQbackendPID(db->connection); /* one's own says nothing new */
        ret->any |= is_of_others;
        ret->ends_rest |= is_of_others && (unhurried == NULL || strcmp(notify->extra, unhurried) != 0);
        PQfreemem(notify);
    }
}

static enum err_kind wait_for(struct db *db, const char *unhurried, int wake_fd, int timeout_ms, bool *ret_notified,
                              struct err *reterr)
{
    must(!db->in_transaction && !db->in_pipeline); /* notifications come between transactions only */
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    struct notified notified = {0};
    for (;;) {
        enum err_kind kind = db_ready(db, reterr);
        if (kind != ERR_NONE)
            return kind;
        take_notifications(db, unhurried, &notified);
        *ret_notified = notified.any;
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (notified.ends_rest || left_ms <= 0)
            return ERR_NONE;
        struct pollfd waits[] = {
            {.fd = PQsocket(db->connection), .events = POLLIN},
            {.fd = wake_fd, .events = POLLIN}, /* poll ignores -1 */
            {.fd = shutdown_fd(), .events = POLLIN},
        };
        int ready = poll(waits, COUNT_OF(waits), (int)left_ms);
        must(ready >= 0 || errno == EINTR);
        if (ready > 0 && (waits[1].revents != 0 || waits[2].revents != 0))
            return ERR_NONE;
    }
}

enum err_kind db_wait(struct db *db, int wake_fd, int timeout_ms, bool *ret_notified, struct err *reterr)
{
    return wait_for(db, NULL, wake_fd, timeout_ms, ret_notified, reterr);
}

enum err_kind db_rest(struct db *db, const char *unhurried, int timeout_ms, bool *ret_notified, struct err *reterr)
{
    return wait_for(db, unhurried, -1, timeout_ms, ret_notified, reterr);
}
