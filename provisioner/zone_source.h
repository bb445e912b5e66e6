/* What an answer to a question needs beyond a zone's memory, read from the database: in one snapshot for one answer, by a
 * transaction that only reads and is begun when something is asked for. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/question/question.h"
#include "provisioner/zone_memory.h"

struct zone_source {
    struct question_source source; /* first */
    struct zone_memory *memory;
    struct db *db;
    bool is_open;
    enum err_kind kind; /* of the first thing that could not be read */
    struct err err;
};

/* For the leader, between its transactions. */
void zone_source_begin(struct zone_source *source, struct zone_memory *memory, struct db *db);
/* Ends the answer: its transaction is over. Fails where something could not be read: the answer is not to be given. */
MUST_CHECK enum err_kind zone_source_end(struct zone_source *source, struct err *reterr);

extern const struct db_stmt *const zone_source_statements[];
