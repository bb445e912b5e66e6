/* The options of all commands, one table: what the parser takes, what --help and docs/cli.md say, and which field of
 * a request's body or parameter of its query an option fills. A name means the same in every command. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"
#include "common/money.h"

#include <stdint.h>

/* X(constant, name, letter, argument, type, least, most, field, help)
 * field is a path of the body ("placement.within", "start_range.0": the first of a list; of a flag with the value that
 * it stands for, "placement.mode=preferred") or a query parameter; NULL where the command uses it itself. */
// clang-format off
#define OPTIONS(X)                                                                                                                                        \
    X(PROFILE,         "profile",         0,   "NAME",    TEXT,   0, 0,         NULL,               "Profile to use (else SLUICE_PROFILE, else the one in use, else 'default')") \
    X(URL,             "url",             0,   "URL",     TEXT,   0, 0,         NULL,               "Address of the API: http://, https:// or unix:/path, with or without /v1 at its end (else SLUICE_URL, else the profile's)") \
    X(OUTPUT,          "output",          'o', "FORMAT",  FORMAT, 0, 0,         NULL,               "table (default), json, or of a list csv")                \
    X(HELP,            "help",            'h', NULL,      FLAG,   0, 0,         NULL,               "Explain the command")                                    \
    X(WAIT,            "wait",            0,   "SECONDS", WAIT,   1, 86400,     NULL,               "Wait until it is settled, 60 seconds unless said (--wait=SECONDS); exit code 6 when the time is up") \
    X(IDEMPOTENCY_KEY, "idempotency-key", 0,   "KEY",     TEXT,   0, 0,         NULL,               "Makes a repetition the same request; a random one unless given") \
    X(LIMIT,           "limit",           0,   "N",       INT,    1, 1000000,   NULL,               "Show at most so many (default 1000)")                    \
    X(BODY,            "body",            0,   "FILE",    TEXT,   0, 0,         NULL,               "Start from this JSON document (- reads standard input); other options change it") \
    X(FILE,            "file",            'f', "FILE",    TEXT,   0, 0,         NULL,               "YAML or JSON with what is declared, a directory of such files, or - for standard input; may be repeated") \
    X(DRY_RUN,         "dry-run",         0,   NULL,      FLAG,   0, 0,         NULL,               "Only say what would change")                             \
    X(DETAILED_EXITCODE, "detailed-exitcode", 0, NULL,   FLAG,   0, 0,         NULL,               "With --dry-run: exit code 7 where something would change") \
    X(NAME,            "name",            0,   "NAME",    TEXT,   0, 0,         "name",             "Name")                                                   \
    X(PROJECT,         "project",         0,   "NAME",    TEXT,   0, 0,         "project",          "Your own grouping")                                      \
    X(INSTANCE_TYPE,   "instance-type",   0,   "NAME",    TEXT,   0, 0,         "instance_type",    "What each instance is; see 'sluice instance-type list'")  \
    X(GPUS,            "gpus",            0,   "N",       INT,    1, 1000,      "shape.gpus",       "Whole GPUs of each instance, instead of an instance type") \
    X(GPU_MILLI,       "gpu-milli",       0,   "N",       INT,    1, 999,       "shape.gpu_milli",  "Share of one GPU in thousandths, instead of whole ones") \
    X(GPU_MODELS,      "gpu-models",      0,   "A,B",     LIST,   0, 0,         "shape.gpu_models", "GPU models allowed")         \
    X(CPU_MILLI,       "cpu-milli",       0,   "N",       INT,    0, INT32_MAX, "shape.cpu_milli",  "CPU of each instance in thousandths of a core")          \
    X(MEMORY_MIB,      "memory-mib",      0,   "N",       INT,    0, INT32_MAX, "shape.memory_mib", "Memory of each instance in MiB")                         \
    X(COUNT,           "count",           0,   "N",       INT,    1, INT32_MAX, "count",            "How many instances, all or none")                        \
    X(ZONE,            "zone",            0,   "NAME",    TEXT,   0, 0,         "zone",             "Zone")                                                   \
    X(STARTS_AT,       "starts-at",       0,   "TIME",    START,  0, 0,         "starts_at",        "Start, inclusive; without it: now") \
    X(ENDS_AT,         "ends-at",         0,   "TIME",    TIME,   0, 0,         "ends_at",          "End, exclusive; without it: until cancelled")            \
    X(DURATION,        "duration",        0,   "LENGTH",  DURATION, 1, 315360000, "duration_s",     "Length, such as 7d, 12h, 90m or 30s; of a reservation from --starts-at, or with --start-to: the start is flexible") \
    X(START_FROM,      "start-from",      0,   "TIME",    START,  0, 0,         "start_range.0",    "Earliest start; without it: now")                        \
    X(START_TO,        "start-to",        0,   "TIME",    TIME,   0, 0,         "start_range.1",    "Latest start; the earliest that fits is taken")          \
    X(WITHIN,          "within",          0,   "SCOPE",   TEXT,   0, 0,         "placement.within", "Scope that holds all instances: node, nvlink_domain, rack, leaf, fabric or zone") \
    X(SPREAD,          "spread",          0,   "GROUP",   TEXT,   0, 0,         "placement.spread", "No two instances in one node, rack or leaf")             \
    X(PREFERRED,       "preferred",       0,   NULL,      FLAG,   0, 0,         "placement.mode=preferred", "The scope is a wish, not a condition")           \
    X(PLACEMENT,       "placement",       0,   "MODE",    TEXT,   0, 0,         "placement.mode",   "Whether the scope is required or preferred")             \
    X(TIER,            "tier",            0,   "TIER",    TEXT,   0, 0,         "tier",             "reserved, on_demand or preemptible")                     \
    X(IF_UNAVAILABLE,  "if-unavailable",  0,   "WHAT",    TEXT,   0, 0,         "if_unavailable",   "reject, waitlist or next_window")                        \
    X(TTL_S,           "ttl-s",           0,   "N",       INT,    10, 86400,     "ttl_s",            "Seconds that the quote holds (default 900)")             \
    X(IMAGE,           "image",           0,   "NAME",    TEXT,   0, 0,         "image",            "What the instances boot; without it: the type's default") \
    X(LABEL,           "label",           0,   "KEY=TEXT", LABEL, 0, 0,         "labels",           "A label of your own; may be repeated")                   \
    X(STATE,           "state",           0,   "STATE",   TEXT,   0, 0,         "state",            "Only those in this state")                               \
    X(TENANT,          "tenant",          0,   "NAME",    TEXT,   0, 0,         "tenant",           "Of this tenant (operators)")                         \
    X(FIND,            "find",            0,   "TEXT",    TEXT,   0, 0,         "find",             "Only those with this in a name, in capitals or not")   \
    X(ORDER,           "order",           0,   "ORDER",   TEXT,   0, 0,         "order",            "oldest (default) or newest first")                     \
    X(INCLUDE,         "include",         0,   "WHAT",    TEXT,   0, 0,         "include",          "deleted: what was deleted, too")                       \
    X(NUMBER,          "number",          0,   "NUMBER",  TEXT,   0, 0,         "number",           "Only the one of this number")                          \
    X(STATUS,          "status",          0,   "STATUS",  TEXT,   0, 0,         "status",           "Only those in this state")                             \
    X(FINGERPRINT,     "fingerprint",     0,   "TEXT",    TEXT,   0, 0,         "fingerprint",      "Only the key of this fingerprint: SHA256:...")         \
    X(NODE,            "node",            0,   "NAME",    TEXT,   0, 0,         "node",             "Node, by name; of a replacement by id (operators)")    \
    X(FABRIC,          "fabric",          0,   "NAME",    TEXT,   0, 0,         "fabric",           "Only of this fabric")                                  \
    X(ACTION,          "action",          0,   "TEXT",    TEXT,   0, 0,         "action",           "Only of this action: 'POST /v1/reservations'")         \
    X(OBJECT,          "object",          0,   "ID",      TEXT,   0, 0,         "object",           "Only about this object")                               \
    X(RESULT,          "result",          0,   "RESULT",  TEXT,   0, 0,         "result",           "Only those that ended so: ok, or a problem's code")    \
    X(SKU_KIND,        "sku-kind",        0,   "KIND",    TEXT,   0, 0,         "sku_kind",         "Kind of what is priced: instance_type, gpu_model or meter") \
    X(SKU,             "sku",             0,   "NAME",    TEXT,   0, 0,         "sku",              "Name of the instance type, GPU model or meter")          \
    X(PRINCIPAL_ID,    "principal-id",    0,   "ID",      TEXT,   0, 0,         "principal_id",     "Whose; without it: the caller's own")                  \
    X(RESERVATION,     "reservation",     0,   "ID",      TEXT,   0, 0,         "reservation",      "Only of this reservation")                               \
    X(FROM,            "from",            0,   "TIME",    TIME,   0, 0,         "from",             "From this instant or day, inclusive")                    \
    X(TO,              "to",              0,   "TIME",    TIME,   0, 0,         "to",               "To this instant or day, exclusive")                      \
    X(UNTIL,           "until",           0,   "TIME",    TIME,   0, 0,         "until",            "To this instant or day, exclusive")                    \
    X(STEP_S,          "step-s",          0,   "N",       INT,    60, 2678400,  "step_s",           "Length of a step in seconds (default 3600)")             \
    X(LEVEL,           "level",           0,   "LEVEL",   TEXT,   0, 0,         "level",            "rack (default), leaf or fabric")                         \
    X(GPU_MODEL,       "gpu-model",       0,   "NAME",    TEXT,   0, 0,         "gpu_model",        "Only GPUs of this model")                                \
    X(DURATION_MOST,   "duration-most",   0,   "LENGTH",  DURATION, 1, 315360000, "duration_most_s", "Length at most, such as 7d; without it: --duration")     \
    X(COUNT_LEAST,     "count-least",     0,   "N",       INT,    1, INT32_MAX, "count_least",      "Smaller offers go down to it; without it: half of --count") \
    X(BUDGET,          "budget",          0,   "AMOUNT",  MONEY,  0, 0,         "budget",           "What it may cost: '1000 USD'")                           \
    X(VALIDATE_ONLY,   "validate-only",   0,   NULL,      FLAG,   0, 0,         NULL,               "Only say what would come of it, and what it costs")      \
    X(PUBLIC_KEY,      "public-key",      0,   "TEXT",    TEXT,   0, 0,         "public_key",       "The key in the form of OpenSSH: \"$(cat key.pub)\"")      \
    X(DESCRIPTION,     "description",     0,   "TEXT",    TEXT,   0, 0,         "description",      "For people")                                             \
    X(EMAIL,           "email",           0,   "ADDRESS", TEXT,   0, 0,         "email",            "E-mail address")                                         \
    X(ROLE,            "role",            0,   "ROLE",    TEXT,   0, 0,         "role",             "The most that it may do: viewer, member, admin, billing") \
    X(PRINCIPAL,       "principal",       0,   "NAME",    TEXT,   0, 0,         "principal",        "Who it is; of a new token a service account, without it yourself")   \
    X(SCOPES,          "scopes",          0,   "A,B",     LIST,   0, 0,         "scopes",           "What it is limited to, such as reservations:read")       \
    X(EXPIRES_AT,      "expires-at",      0,   "TIME",    TIME,   0, 0,         "expires_at",       "When it ends; without it: when it is revoked")           \
    X(OVERLAP,         "overlap",         0,   "LENGTH",  DURATION, 0, 2592000, "overlap_s",        "How long what it has now is good beside the new, such as 1d (default of a token 1h, of a webhook 1d); 0s: not a moment") \
    X(TARGET,          "target",          0,   "URL",     TEXT,   0, 0,         "url",              "Where events are sent: https://...")                     \
    X(EVENTS,          "events",          0,   "A,B",     LIST,   0, 0,         "events",           "Which: reservation.*, instance.running, ...")            \
    X(NODES,           "nodes",           0,   "A,B",     LIST,   0, 0,         "nodes",            "Nodes, by name")                                         \
    X(RACK,            "rack",            0,   "NAME",    TEXT,   0, 0,         "rack",             "All nodes of a rack")                                    \
    X(REASON,          "reason",          0,   "TEXT",    TEXT,   0, 0,         "reason",           "Why")                                                    \
    X(GPU,             "gpu",             0,   "N",       INT,    0, 1000,      "gpu",              "Number of the GPU in the node, from 0; without it: no GPU") \
    X(PART,            "part",            0,   "TEXT",    TEXT,   0, 0,         "part",             "What is to be replaced")                                 \
    X(SERIAL,          "serial",          0,   "TEXT",    TEXT,   0, 0,         "serial",           "Serial number of what goes")                             \
    X(REFERENCE,       "reference",       0,   "TEXT",    TEXT,   0, 0,         "reference",        "The vendor's number of the return or order")             \
    X(NEW_SERIAL,      "new-serial",      0,   "TEXT",    TEXT,   0, 0,         "new_serial",       "Serial number of what came")                             \
    X(ASSET_CHANGE,    "asset-change",    0,   "ID",      TEXT,   0, 0,         "asset_change",     "The asset's change (replace_part) by which the part left the books") \
    X(GPU_COUNT,       "gpu-count",       0,   "N",       INT,    0, 64,        "gpu_count",        "Whole GPUs; without them a share, --gpu-milli")          \
    X(OPEN_ENDED_MAX,  "open-ended-max-percent", 0, "N",  INT,    0, 100,       "open_ended_max_percent", "Share of the GPUs that is sold without an end; without it: no cap") \
    X(GPU_HOUR,        "gpu-hour",        0,   "AMOUNT",  MONEY,  0, 0,         "gpu_hour",         "Price of a GPU-hour: '2.49 USD'")                        \
    X(MODEL,           "model",           0,   "MODEL",   TEXT,   0, 0,         "model",            "flat (default), graduated, volume or package; tiers and windows come from --body") \
    X(VALID_FROM,      "valid-from",      0,   "TIME",    START,  0, 0,         "valid_from",       "Since when it holds, inclusive; without it: now")        \
    X(VALID_UNTIL,     "valid-until",     0,   "TIME",    START,  0, 0,         "valid_until",      "When it ends, exclusive; without it: now")               \
    X(CORRECTS,        "corrects",        0,   "ID",      TEXT,   0, 0,         "corrects",         "The version that it takes the place of; what was rated by that is rated again") \
    X(MINIMUM_S,       "minimum-s",       0,   "N",       INT,    0, 2678400,   "minimum_s",        "Least seconds that an instance which ran is charged for") \
    X(BELOW_FLOOR_REASON, "below-floor-reason", 0, "TEXT", TEXT, 0, 0,         "below_floor_reason", "Why it is sold below its floor, where that asks")      \
    X(UNIT,            "unit",            0,   "UNIT",    TEXT,   0, 0,         "unit",             "Of what is reported: GB, kW.h, licences")                \
    X(AGGREGATION,     "aggregation",     0,   "HOW",     TEXT,   0, 0,         "aggregation",      "sum (default): amounts that add up; level: what was held, which counts by time") \
    X(DECIMALS,        "decimals",        0,   "N",       INT,    0, 3,         "decimals",         "Decimals that a reading may have (default 3)")           \
    X(METER,           "meter",           0,   "NAME",    TEXT,   0, 0,         "meter",            "Only of the meter of this name")                         \
    X(TAIL,            "tail",            0,   "N",       INT,    1, 10000,     "tail",             "Only the newest so many lines")                          \
    X(INCARNATION,     "incarnation",     0,   "N",       INT,    1, INT32_MAX, "incarnation",      "Only of this stay on a node: 1, 2, ...")                 \
    X(FOLLOW,          "follow",          'f', NULL,      FLAG,   0, 0,         NULL,               "Go on as lines come, until the instance is over")        \
    X(PAUSED,          "paused",          0,   "BOOL",    TEXT,   0, 0,         "paused",           "true: only those that are paused; false: only the others") \
    X(BY,              "by",              0,   "WHAT",    TEXT,   0, 0,         "by",               "Group by tenant, instance_type, cohort, day or reservation")
// clang-format on

enum option_id {
#define X(constant, ...) OPTION_##constant,
    OPTIONS(X)
#undef X
        OPTIONS_TOTAL,
    OPTIONS_END = OPTIONS_TOTAL
};

enum value_type {
    VALUE_FLAG,
    VALUE_TEXT,
    VALUE_INT,
    VALUE_TIME,     /* what time_text.h reads; once settled (times.h) a date, or exactly YYYY-MM-DDTHH:MM:SSZ */
    VALUE_START,    /* the same, and settled also OPTION_NOW: null, which the API takes for its now */
    VALUE_FORMAT,   /* table, json or csv */
    VALUE_LIST,     /* separated by commas */
    VALUE_LABEL,    /* KEY=TEXT, repeatable */
    VALUE_WAIT,     /* a number that may be left out */
    VALUE_DURATION, /* seconds: a number, and d, h, m or s behind it */
    VALUE_MONEY,    /* "1000 USD", "2.49 EUR" */
};

#define OPTION_NOW "now"

struct option_row {
    const char *name;
    char letter; /* 0: none */
    const char *argument;
    enum value_type type;
    int64_t least, most; /* of numbers */
    const char *field;
    const char *help;
};

extern const struct option_row options[OPTIONS_TOTAL];

/* Which options a command takes is a list that ends with OPTIONS_END; NULL: none. */
extern const enum option_id options_everywhere[];
bool options_have(const enum option_id *list, enum option_id option);

/* The option that a word names: "--name", "--name=value", "-o" or "-ovalue"; -1: there is none of that name. A letter that
 * several have is that of the list (NULL: none known yet), which is what the command before the word takes. *ret_value is
 * what stands within the word, NULL where nothing does. */
int option_of_word(const char *word, const enum option_id *list, const char **ret_value);
/* Is the next word its value, where none stands within its own? */
bool option_wants_value(enum option_id option);

/* Is the text a value of the option? ERR_MALFORMED says what it should be. */
MUST_CHECK enum err_kind option_check(enum option_id option, const char *text, struct err *reterr);
/* A number in decimal, nothing else around it. */
bool option_number(const char *text, int64_t *ret);
/* An amount of "1000 USD" or "2.49 EUR" in the canonical decimal and its currency. */
struct option_money {
    char amount[MONEY_TEXT_SIZE];
    char currency[4];
};
bool option_money(const char *text, struct option_money *ret);
/* Seconds of "7d", "12h", "90m", "30s" or "30"; at most a thousand years. */
bool option_duration(const char *text, int64_t *ret_s);
