/* Prefer: wait=N of a GET of one object: its answer is held until there is something to tell. With If-None-Match, while
 * it would be 304; else while the object is on its way to somewhere (route->passing). No thread waits: the request is
 * suspended, and its handler is run again when an event of the object comes, and now and then.
 *
 * Whoever has the claim of internal->suspension lets the handler run: the follower or the timer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/changes.h"
#include "api/server/follower.h"
#include "api/server/openapi.h"
#include "api/server/server.h"
#include "api/server/waiting.h"
#include "common/clock.h"
#include "common/must.h"

#define LOOK_MS 1000 /* what moves without an event, or moved before it was watched */

/* Once per suspension: a change that comes late finds that of its own. */
struct look {
    struct change_waiter waiter;
    struct request_internal *internal;
    uint64_t turn; /* of internal->suspension */
};

struct hold {
    struct look *look;
    int64_t until_ms; /* monotonic */
    bool is_over;     /* its time is up, the server stops, or too many wait: answered as it is */
};

static void release(struct request_internal *internal)
{
    waiting_leave(internal);
}

static void look_again(struct request_internal *internal)
{
    reading_resume(internal, execute_read);
}

/* The follower: the object has changed. The waiter's reference goes. */
static void changed(struct change_waiter *waiter)
{
    struct look *look = (struct look *)(void *)((char *)waiter - offsetof(struct look, waiter));
    struct request_internal *internal = look->internal;
    if (suspension_claim_turn(&internal->suspension, look->turn))
        look_again(internal);
    internal_drop(internal);
}

/* The follower: whoever waits may do less than when they asked, or nothing. They are asked who they are as at first. */
static void doubted(struct change_waiter *waiter)
{
    struct look *look = (struct look *)(void *)((char *)waiter - offsetof(struct look, waiter));
    struct request_internal *internal = look->internal;
    if (suspension_claim_turn(&internal->suspension, look->turn))
        caller_doubt(internal);
    internal_drop(internal);
}

/* The timer, with the claim. */
static void expire(struct suspension *suspension, bool is_shutdown)
{
    struct request_internal *internal =
        (struct request_internal *)(void *)((char *)suspension - offsetof(struct request_internal, suspension));
    struct hold *hold = internal->hold;
    hold->is_over = is_shutdown || clock_monotonic_ms() >= hold->until_ms;
    bool was_watching = changes_unwatch(follower_changes(internal->server->follower), &hold->look->waiter);
    look_again(internal);
    if (was_watching)
        internal_drop(internal); /* the connection has its own until it is answered */
}

static bool begin(struct request_internal *internal)
{
    struct hold *hold = arena_alloc(internal->request.arena, sizeof *hold);
    *hold = (struct hold){.until_ms = clock_monotonic_ms() + internal->prefer.wait_ms};
    internal->hold = hold;
    must(internal->release == NULL); /* it reads, and asks nobody */
    hold->is_over = !waiting_enter(internal);
    if (hold->is_over)
        internal->prefer = PREFERENCE_NONE;
    internal->release = release;
    return !hold->is_over;
}

static struct look *look_new(struct request_internal *internal)
{
    struct look *look = arena_alloc(internal->request.arena, sizeof *look);
    *look = (struct look){.internal = internal, .waiter = {.changed = changed, .doubted = doubted}};
    look->waiter.holder = holder_of(&internal->request);
    must(identity_from_uuid(internal->request.object, &look->waiter.object, NULL) == ERR_NONE); /* it was read */
    return look;
}

static bool hold_is_offered(const struct route *route)
{
    return route->method == GET && route->has_id && !route->is_list && openapi_has_etag(route);
}

bool prefer_is_offered(const struct route *route)
{
    return route->waits || hold_is_offered(route);
}

/* Whoever names the version that they have waits for another one, in whatever state. */
static bool has_news(const struct request_internal *internal)
{
    bool knows_one = request_header(&internal->request, "If-None-Match") != NULL;
    return knows_one ? internal->response.status != MHD_HTTP_NOT_MODIFIED : !internal->response.is_passing;
}

static bool wants(const struct request_internal *internal)
{
    return internal->prefer.wait_ms > 0 && hold_is_offered(internal->request.route);
}

bool hold_suspend(struct request_internal *internal)
{
    if (!wants(internal) || has_news(internal) || atomic_load(&internal->server->is_stopping))
        return false;
    if (internal->hold == NULL ? !begin(internal) : internal->hold->is_over)
        return false;
    struct hold *hold = internal->hold;
    struct look *look = hold->look = look_new(internal);
    int64_t look_ms = clock_monotonic_ms() + LOOK_MS;
    internal->expire = expire;
    if (!request_suspend(internal))
        return true;         /* it is answered: the server stops */
    internal_keep(internal); /* the waiter's */
    atomic_store(&internal->suspension.deadline_ms, look_ms < hold->until_ms ? look_ms : hold->until_ms);
    look->turn = suspension_turn(&internal->suspension);
    changes_watch(follower_changes(internal->server->follower), &look->waiter);
    /* Whoever was faster than the registration has answered already: then nobody would take the waiter off. */
    bool is_over = !suspension_is_open(&internal->suspension, look->turn);
    if (is_over && changes_unwatch(follower_changes(internal->server->follower), &look->waiter))
        internal_drop(internal);
    return true;
}
