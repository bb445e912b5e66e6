/* The question to other zones is the one that a preview asks (wish.c of the provisioner): what the planner decides a wish
 * by. Theirs is another kind of answer: the body to post, where it would be granted. The zone itself is asked the same of
 * other types (other_types.c). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/elsewhere.h"

#include "api/resources/other_types.h"

#include <string.h>

#define ZONES_MAX "8" /* of a statement */
/* A planner that leads and is not busy answers within some ten milliseconds; a refusal is not held up for others. */
#define WAIT_MS 500

/* As admission_preview() makes it. */
static const struct db_stmt statement_question = {
    .name = "elsewhere_question",
    .sql =
        "SELECT r.zone_id, json_build_object("
        "   'terms', json_build_object('reservation', r.id, 'tenant', r.tenant_id, 'count', r.count, 'gpus', r.gpu_count,"
        "     'gpu_milli', r.gpu_milli, 'cpu_milli', r.cpu_milli, 'memory_mib', r.memory_mib,"
        "     'gpu_models', to_json(r.gpu_models), 'scope', r.within, 'scope_preferred', NOT r.within_required,"
        "     'spread', r.spread, 'preemptible', r.tier = 'preemptible'),"
        "   'project', r.project, 'if_unavailable', r.if_unavailable,"
        "   'from_s', extract(epoch FROM coalesce(r.starts_at, r.start_from))::bigint,"
        "   'to_s', extract(epoch FROM r.ends_at)::bigint,"
        "   'duration_s', r.duration_s, 'start_to_s', extract(epoch FROM r.start_to)::bigint,"
        "   'hold_until_s', extract(epoch FROM r.hold_until)::bigint,"
        "   'horizon_s', CASE WHEN r.ends_at IS NULL AND r.duration_s IS NULL AND r.tier <> 'preemptible'"
        "                     THEN w.on_demand_horizon_s END,"
        "   'type', r.instance_type_id, 'open_max_percent', t.open_ended_max_percent,"
        "   'posted', json_build_object('name', r.name, 'instance_type', t.name, 'image', r.image, 'tier', r.tier,"
        "     'labels', r.labels::text, 'ssh_keys', to_jsonb(r.ssh_keys)::text, 'user_data', r.user_data,"
        "     'ttl_s', r.quote_ttl_s))"
        " FROM reservation r JOIN tenant w ON w.id = r.tenant_id LEFT JOIN instance_type t ON t.id = r.instance_type_id"
        " WHERE r.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_zones = {
    .name = "elsewhere_zones",
    .sql = "SELECT z.id FROM zone z WHERE z.id <> $1::uuid ORDER BY z.name LIMIT " ZONES_MAX,
    .params = 1,
};

const struct db_stmt *const elsewhere_statements[] = {&statement_question, &statement_zones, NULL};

/* Between question and answers. */
struct refused {
    enum identity_kind identity;
    const char *id;
    struct reservation_verdict verdict;
    const char *zone_id, *question; /* who refused it, and what was asked then */
    const char *types;              /* the body of the question about other types, the first; NULL: it is not asked */
    const char *currency;
};

static void add_bodies(json_t *alternatives, const char *answer)
{
    CLEANUP(planning_json_freep) json_t *said = json_loads(answer, 0, NULL);
    (void)json_array_extend(alternatives, json_object_get(said, "alternatives")); /* none: nothing is added */
}

static enum err_kind finish(struct request *request, struct response *response, const char *const *answers,
                            size_t count, struct err *reterr)
{
    (void)response; /* it is a problem */
    struct refused *refused = request->asked;
    const char *own = refused->verdict.alternatives;
    CLEANUP(planning_json_freep) json_t *alternatives = json_loads(own == NULL ? "[]" : own, 0, NULL);
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < count && kind == ERR_NONE; i++) {
        if (answers[i] != NULL && i == 0 && refused->types != NULL)
            kind = other_types_tell(request, refused->currency, answers[i], alternatives, reterr);
        else if (answers[i] != NULL)
            add_bodies(alternatives, answers[i]);
    }
    if (kind != ERR_NONE)
        return kind;
    struct json_out out;
    json_out_init(&out, request->arena);
    planning_json_out(&out, alternatives);
    refused->verdict.alternatives = json_out_finish(&out);
    return reservation_refusal(request, refused->identity, refused->id, &refused->verdict, reterr);
}

/* The same zone for other types, then other zones for the same. */
static enum err_kind ask(struct request *request, struct refused *refused, const PGresult *zones)
{
    size_t zone_count = (size_t)PQntuples(zones);
    struct question *questions = arena_alloc(request->arena, (1 + zone_count) * sizeof *questions);
    size_t count = 0;
    if (refused->types != NULL)
        questions[count++] =
            (struct question){.zone_id = refused->zone_id, .kind = "other_types", .body = refused->types};
    for (size_t i = 0; i < zone_count; i++)
        questions[count++] =
            (struct question){.zone_id = db_text(zones, (int)i, 0), .kind = "elsewhere", .body = refused->question};
    request->asked = refused; /* until now it was the preview's, whose step may be taken again */
    return request_ask_if_possible(request, questions, count, WAIT_MS, finish);
}

static bool lacks_capacity(const struct reservation_verdict *verdict)
{
    bool is_rejected = strcmp(verdict->state, "rejected") == 0;
    return is_rejected && verdict->reason != NULL && strcmp(verdict->reason, "capacity_unavailable") == 0;
}

/* Zone and question of one that was made; both NULL where it is gone. */
static enum err_kind read_question(struct request *request, struct refused *refused, struct err *reterr)
{
    const PGresult *stored = NULL;
    enum err_kind kind = request_run(request, &statement_question, DB_PARAMS(refused->id), &stored, reterr);
    if (kind == ERR_NONE && PQntuples(stored) > 0) {
        refused->zone_id = db_text(stored, 0, 0);
        refused->question = db_text(stored, 0, 1);
    }
    return kind;
}

enum err_kind elsewhere_refusal(struct request *request, enum identity_kind identity, const char *id,
                                const struct reservation_verdict *verdict, const char *zone_id, const char *question,
                                struct err *reterr)
{
    const PGresult *zones = NULL;
    if (!lacks_capacity(verdict))
        return reservation_refusal(request, identity, id, verdict, reterr);
    struct refused *refused = arena_alloc(request->arena, sizeof *refused);
    *refused =
        (struct refused){.identity = identity, .id = id, .verdict = *verdict, .zone_id = zone_id, .question = question};
    enum err_kind kind = question == NULL ? read_question(request, refused, reterr) : ERR_NONE;
    if (kind == ERR_NONE && refused->question == NULL)
        return reservation_refusal(request, identity, id, verdict, reterr);
    if (kind == ERR_NONE)
        kind =
            other_types_ask(request, refused->zone_id, refused->question, &refused->types, &refused->currency, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_zones, DB_PARAMS(refused->zone_id), &zones, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (refused->types == NULL && PQntuples(zones) == 0)
        return reservation_refusal(request, identity, id, verdict, reterr);
    return ask(request, refused, zones);
}
