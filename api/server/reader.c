/* A reader is its two sides, the database roles. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/reader.h"

#include "api/server/reader_side.h"
#include "common/alloc.h"
#include "common/must.h"

#include <stdlib.h>

struct reader {
    struct reader_side *tenants, *system;
    struct reader_load *load;
};

struct reader *reader_new(const struct reader_options *options)
{
    must(options->connections >= 1 && options->connections <= READER_CONNECTIONS_MAX);
    struct reader *reader = alloc_zero(1, sizeof *reader);
    reader->load = options->load;
    reader->tenants = reader_side_new(options, "sluice_api", &reader->load->waiting);
    reader->system = reader_side_new(options, "sluice_api_system", &reader->load->waiting);
    return reader;
}

enum err_kind reader_submit(struct reader *reader, struct read *read, struct err *reterr)
{
    struct reader_load *load = reader->load;
    if (atomic_fetch_add(&load->waiting, 1) >= load->waiting_max) {
        (void)atomic_fetch_sub(&load->waiting, 1);
        return err_set(reterr, ERR_OVERLOADED, "too many reads are waiting");
    }
    reader_side_add(read->tenant_id != NULL ? reader->tenants : reader->system, read);
    return ERR_NONE;
}

int reader_sockets(const struct reader *reader)
{
    return reader_side_sockets(reader->tenants) + reader_side_sockets(reader->system);
}

int reader_watch(struct reader *reader, struct pollfd *sockets)
{
    reader_side_dispatch(reader->tenants);
    reader_side_dispatch(reader->system);
    int timeout_ms = reader_side_watch(reader->tenants, sockets);
    int system_ms = reader_side_watch(reader->system, sockets + reader_side_sockets(reader->tenants));
    return timeout_ms < 0 || (system_ms >= 0 && system_ms < timeout_ms) ? system_ms : timeout_ms;
}

void reader_step(struct reader *reader, const struct pollfd *sockets)
{
    reader_side_step(reader->tenants, sockets);
    reader_side_step(reader->system, sockets + reader_side_sockets(reader->tenants));
}

void reader_free(struct reader *reader)
{
    if (reader == NULL)
        return;
    reader_side_free(reader->tenants);
    reader_side_free(reader->system);
    free(reader);
}
