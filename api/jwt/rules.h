/* Who somebody is here, by what a token of theirs says: rules, the first that fits. A file of lines
 *
 *     # claim   value            role      tenant (- for the provider)   [service account]
 *     groups    sluice-ops       operator  -
 *     groups    acme-ml          member    acme
 *     sub       repo:acme/infra  member    acme                          ci
 *
 * with spaces or tabulators between words. Whoever fits none is nobody here. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/auth/role.h"
#include "common/err.h"

#include <jansson.h>

#define RULES_MAX         256
#define RULE_WORD_SIZE    257
#define RULE_TENANT_SIZE  65
#define RULE_ACCOUNT_SIZE 129

struct rule {
    char claim[RULE_WORD_SIZE], value[RULE_WORD_SIZE];
    enum role role;
    char tenant[RULE_TENANT_SIZE];   /* name; "": the provider */
    char account[RULE_ACCOUNT_SIZE]; /* name of the service account; "": of people, who are who signs in */
};

struct rules;

enum rules_of { RULES_OF_PEOPLE, RULES_OF_WORKLOADS };

/* ERR_INVALID names the line that is none. Pure. */
MUST_CHECK enum err_kind rules_parse(const char *text, enum rules_of of, struct rules **ret, struct err *reterr);
MUST_CHECK enum err_kind rules_load(const char *path, enum rules_of of, struct rules **ret, struct err *reterr);
void rules_free(struct rules *rules); /* NULL is fine */
/* NULL where none fits. */
const struct rule *rules_find(const struct rules *rules, const json_t *claims);
