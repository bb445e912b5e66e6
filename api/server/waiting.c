/* Counters: one, and one per tenant by a hash of its id. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/waiting.h"

#include "api/server/server.h"
#include "common/metrics.h"

#define TENANT_SLOTS 1024U /* a power of two; tenants that share one share its limit */

static struct metric metric_waiting = {.name = "sluice_api_waiting",
                                       .type = METRIC_GAUGE,
                                       .help = "Requests that wait for what somebody else decides (Prefer: wait)"};

void waiting_register(void)
{
    metric_register((struct metric *const[]){&metric_waiting}, 1);
}

static _Atomic int64_t waiting_of_tenants[TENANT_SLOTS];
static _Atomic int64_t waiting;

static _Atomic int64_t *slot_of(const struct request_internal *internal)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (const char *next = internal->request.caller.tenant_id; *next != '\0'; next++)
        hash = (hash ^ (uint8_t)*next) * 16777619U;
    return &waiting_of_tenants[hash & (TENANT_SLOTS - 1)];
}

bool waiting_enter(const struct request_internal *internal)
{
    const struct api_settings *settings = internal->server->settings;
    metric_add(&metric_waiting, 1);
    bool fits = atomic_fetch_add(&waiting, 1) < settings->suspended_max;
    bool fits_tenant = atomic_fetch_add(slot_of(internal), 1) < settings->suspended_per_tenant_max;
    return fits && fits_tenant;
}

void waiting_leave(const struct request_internal *internal)
{
    metric_add(&metric_waiting, -1);
    (void)atomic_fetch_sub(&waiting, 1);
    (void)atomic_fetch_sub(slot_of(internal), 1);
}
