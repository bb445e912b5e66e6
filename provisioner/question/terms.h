/* What is wished of a place: the part that questions about placing have in common, and the request it makes. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/question/question.h"

struct question_terms {
    struct identity reservation; /* absent: one that is nobody's */
    struct identity tenant;      /* whose turnaround it need not wait for; absent: nobody's */
    int64_t count;
    int64_t gpus, gpu_milli, cpu_milli, memory_mib; /* of an instance */
    struct question_texts gpu_models;
    const char *scope, *spread; /* texts of the planner; absent: zone, none */
    bool scope_preferred;
    bool preemptible; /* the tier; all others may take what is */
};

extern const struct question_field question_terms_fields[];

/* NULL and *ret, with a window that is the caller's to set; or what is wrong with the terms (a static text). */
const char *question_terms_read(const struct question_terms *terms, const struct question_view *view,
                                struct planner_request *ret);
