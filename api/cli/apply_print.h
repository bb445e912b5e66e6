/* A plan, and what became of it, for people and for programs. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/apply_plan.h"

/* As a person compares texts: a line before and a line after of each field that changes. */
void apply_print_plan(struct session *session, const struct plan *plan);
/* One step that is done: "project/research created", and the secret that is shown this once. */
void apply_print_done(struct session *session, const struct step *step);
/* All of it, {"items": [...]}. */
void apply_print_json(struct session *session, const struct plan *plan);
