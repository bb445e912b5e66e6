/* From settings to issuers, and the order of the checks: what costs least comes first, and what may ask the network
 * (an unknown key) last, so that nobody makes us ask who could not come in anyway. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/trust.h"

#include "api/auth/token_cache.h"
#include "api/jwt/claims.h"
#include "api/outgoing/target.h"
#include "common/clock.h"
#include "common/must.h"

#include <string.h>

static enum err_kind check_url(const char *url, struct err *reterr)
{
    const struct target_rules rules = {.allows_http = true, .allows_private = true};
    enum err_kind kind = target_check(url, &rules, reterr);
    if (kind == ERR_NONE && strpbrk(url, "?#") != NULL)
        return err_set(reterr, ERR_INVALID, "an issuer's URL must have neither query nor fragment");
    return kind;
}

struct named {
    const char *name; /* of its settings */
    const char *audience_name;
    const char *url, *audience, *rules_file;
    enum rules_of of;
    int64_t lifetime_max_s;
};

/* A key that is gone was lost, maybe: what it signed is verified again, and refused. */
static void forget_tokens(void *context)
{
    token_cache_flush(context);
}

/* tokens: NULL where none of this issuer's are remembered. */
static enum err_kind start(const struct api_settings *settings, const struct named *named, struct token_cache *tokens,
                           struct trust *ret, struct err *reterr)
{
    if (named->url[0] == '\0')
        return ERR_NONE;
    enum err_kind kind = check_url(named->url, reterr);
    if (kind != ERR_NONE)
        return err_context(reterr, "%s_issuer", named->name);
    if (named->audience[0] == '\0' || named->rules_file[0] == '\0')
        return err_set(reterr, ERR_INVALID, "%s_issuer needs %s and %s_rules_file", named->name, named->audience_name,
                       named->name);
    kind = rules_load(named->rules_file, named->of, &ret->rules, reterr);
    if (kind != ERR_NONE)
        return kind;
    ret->url = named->url;
    ret->audience = named->audience;
    ret->skew_s = settings->issuer_skew_s;
    ret->lifetime_max_s = named->lifetime_max_s;
    ret->issuer = issuer_start(
        &(struct issuer_options){.url = named->url,
                                 .ca_file = settings->issuer_ca_file[0] == '\0' ? NULL : settings->issuer_ca_file,
                                 .timeout_ms = settings->issuer_timeout_ms,
                                 .refresh_s = settings->issuer_refresh_s,
                                 .keys_told = tokens == NULL ? NULL : forget_tokens,
                                 .context = tokens});
    return ERR_NONE;
}

enum err_kind trust_start(const struct api_settings *settings, struct token_cache *tokens, struct trust *ret_people,
                          struct trust *ret_workloads, struct err *reterr)
{
    const struct named people = {
        .name = "sign_in",
        .audience_name = "sign_in_client_id",
        .url = settings->sign_in_issuer,
        .audience = settings->sign_in_client_id,
        .rules_file = settings->sign_in_rules_file,
        .of = RULES_OF_PEOPLE,
        .lifetime_max_s = settings->sign_in_lifetime_max_s,
    };
    const struct named workloads = {
        .name = "workload",
        .audience_name = "workload_audience",
        .url = settings->workload_issuer,
        .audience = settings->workload_audience,
        .rules_file = settings->workload_rules_file,
        .of = RULES_OF_WORKLOADS,
        .lifetime_max_s = settings->workload_lifetime_max_s,
    };
    issuer_metrics_register();
    enum err_kind kind = start(settings, &people, NULL, ret_people, reterr);
    return kind == ERR_NONE ? start(settings, &workloads, tokens, ret_workloads, reterr) : kind;
}

void trust_stop(struct trust *trust)
{
    issuer_stop(trust->issuer);
    rules_free(trust->rules);
    *trust = (struct trust){0};
}

static enum err_kind check_signature(const struct trust *trust, const struct jwt *jwt, struct err *reterr)
{
    switch (issuer_verify(trust->issuer, jwt)) {
    case ISSUER_SIGNED:
        return ERR_NONE;
    case ISSUER_FORGED:
        return jwt_refuse(reterr, "its signature does not fit");
    case ISSUER_UNKNOWN_KEY:
        return err_set_code(reterr, ERR_RETRY, "jwt_refused", "its issuer has no such key");
    case ISSUER_HAS_NO_KEYS:
        break;
    }
    return err_set_code(reterr, ERR_UNAVAILABLE, "issuer_unavailable", "the issuer of this token cannot be asked");
}

enum err_kind trust_verify(const struct trust *trust, const char *text, const char *nonce, struct jwt *ret,
                           int64_t *ret_expires_at_s, struct err *reterr)
{
    must(trust->issuer != NULL);
    enum err_kind kind = jwt_parse(text, ret, reterr);
    if (kind != ERR_NONE)
        return kind;
    const struct claims_wanted wanted = {
        .issuer = trust->url,
        .audience = trust->audience,
        .nonce = nonce,
        .now_s = clock_real_ms() / 1000,
        .skew_s = trust->skew_s,
        .lifetime_max_s = trust->lifetime_max_s,
    };
    kind = claims_check(ret->claims, &wanted, ret_expires_at_s, reterr);
    return kind == ERR_NONE ? check_signature(trust, ret, reterr) : kind;
}
