/* The fields of reservations and quotes. A quote is a reservation that is not firm yet: they share the wish. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/quote_price.h"
#include "api/resources/reservation.h"

static const char *const scopes[] = {"zone", "fabric", "leaf", "rack", "nvlink_domain", "node", NULL};
static const char *const modes[] = {"required", "preferred", NULL};
static const char *const spreads[] = {"node", "rack", "leaf", NULL};
const char *const reservation_tiers[] = {"reserved", "on_demand", "preemptible", NULL};
static const char *const unavailables[] = {"reject", "waitlist", "next_window", NULL};
const char *const reservation_states[] = {"pending", "held",       "scheduled", "activating", "active",  "ending",
                                          "ended",   "waitlisted", "rejected",  "cancelled",  "expired", NULL};
const char *const reservation_passing[] = {"pending", "activating", "ending", NULL};
const char *const quote_states[] = {"pending", "held", "confirmed", "rejected", "cancelled", "expired", NULL};

// clang-format off
const struct field reservation_shape_fields[] = {
    FIELD_LIST("gpu_models", struct reservation_shape, gpu_models, .most = 16, .fallback = "[]", .help = "Models it may land on; empty: any"),
    FIELD_INT ("gpus",       struct reservation_shape, gpus, .flags = FIELD_OPTIONAL, .least = 1, .most = 64, .help = "Whole GPUs of an instance; this or gpu_milli"),
    FIELD_INT ("gpu_milli",  struct reservation_shape, gpu_milli, .flags = FIELD_OPTIONAL, .least = 1, .most = 999, .help = "Share of one GPU, in thousandths"),
    FIELD_INT ("cpu_milli",  struct reservation_shape, cpu_milli, .least = 0, .most = 10000000, .fallback = "0", .help = "CPU in thousandths of a core"),
    FIELD_INT ("memory_mib", struct reservation_shape, memory_mib, .least = 0, .most = 1000000000, .fallback = "0", .help = "Memory in MiB"),
    FIELDS_END,
};

const struct field reservation_placement_fields[] = {
    FIELD_ENUM("within", struct reservation_placement, within, .values = scopes, .fallback = "zone", .help = "The scope that holds all instances"),
    FIELD_ENUM("mode",   struct reservation_placement, mode, .values = modes, .fallback = "required", .help = "Whether the scope must hold, or is preferred"),
    FIELD_ENUM("spread", struct reservation_placement, spread, .flags = FIELD_NULLABLE | FIELD_OPTIONAL, .values = spreads, .help = "No two instances within one of these; null: it does not matter"),
    FIELDS_END,
};

#define STATUS_FIELDS(states_) \
    FIELD_ENUM("state",           struct reservation_verdict, state, .flags = FIELD_READ_ONLY, .values = (states_), .help = "Where it stands"), \
    FIELD_TEXT("health",          struct reservation_verdict, health, .flags = FIELD_READ_ONLY, .example = "ok", .help = "ok, degraded or short, from its instances"), \
    FIELD_TEXT("reason",          struct reservation_verdict, reason, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .example = "no_capacity", .help = "Why it was refused or went wrong: a code"), \
    FIELD_TIME("starts_at",       struct reservation_verdict, starts_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Granted start; null unless granted"), \
    FIELD_TIME("ends_at",         struct reservation_verdict, ends_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .example = "2026-12-08T00:00:00Z", .help = "Granted end; null: open"), \
    FIELD_TIME("ends_by",         struct reservation_verdict, ends_by, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "When the next of its instances that give way, or cannot be held for the horizon, is gone; null: not in sight"), \
    FIELD_TIME("decided_at",      struct reservation_verdict, decided_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "When the verdict was reached"), \
    FIELD_INT ("delivered_count", struct reservation_verdict, delivered_count, .flags = FIELD_READ_ONLY, .help = "Instances that run now"), \
    FIELD_JSON("waitlist",        struct reservation_verdict, waitlist, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "While it waits: its position, from 1, and estimated_start, when it would start as things stand (null: not in sight)"), \
    FIELD_JSON("binding",         struct reservation_verdict, binding, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The constraint that bound, with numbers; null unless refused"), \
    FIELD_JSON("alternatives",    struct reservation_verdict, alternatives, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Bodies that can be posted instead; null unless refused"), \
    FIELDS_END
static const struct field status_fields[] = { STATUS_FIELDS(reservation_states) };
static const struct field quote_status_fields[] = { STATUS_FIELDS(quote_states) };

static const struct field brief_instance_fields[] = {
    FIELD_COLUMN("id",      FIELD_TYPE_ID, .identity = IDENTITY_INSTANCE, .help = "The instance"),
    FIELD_COLUMN("ordinal", FIELD_TYPE_INT, .help = "Which of the reservation's, from 0"),
    FIELD_COLUMN("state",   FIELD_TYPE_TEXT, .help = "State of the instance"),
    FIELD_COLUMN_WITH("address", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Where to connect; null until it runs"),
    FIELDS_END,
};

/* What both begin with: places of fields are the same in both tables. */
#define WISH_FIELDS(identity_, what_, unless_) \
    FIELD_ID    ("id",             struct reservation, id, .identity = (identity_), .flags = FIELD_READ_ONLY, .help = (what_)), \
    FIELD_TEXT  ("tenant",         struct reservation, tenant, .flags = FIELD_READ_ONLY | FIELD_OPTIONAL, .example = "acme", .help = "Whose; for operators"), \
    FIELD_TEXT  ("name",           struct reservation, name, .flags = FIELD_NULLABLE, .least = 1, .most = 128, .example = "llama-pretrain-3", .help = "Unique among the tenant's present ones; null: none"), \
    FIELD_TEXT  ("project",        struct reservation, project, .least = 1, .most = 63, .fallback = "default", .help = "The project it is in, by name"), \
    FIELD_TEXT  ("instance_type",  struct reservation, instance_type, .flags = FIELD_CREATE_ONLY | FIELD_NULLABLE, .least = 1, .most = 63, .example = "h100.8x", .help = "What each instance is, by name; or give shape"), \
    FIELD_OBJECT("shape",          struct reservation, shape, .flags = FIELD_CREATE_ONLY | FIELD_OPTIONAL, .fields = reservation_shape_fields, .help = "What each instance is, where the tenant may say so itself"), \
    FIELD_INT   ("count",          struct reservation, count, .least = 1, .most = RESERVATION_COUNT_MAX, .fallback = "1", .example = "2", .help = "How many instances, all or none"), \
    FIELD_TEXT  ("zone",           struct reservation, zone, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .unless = (unless_), .least = 1, .most = 63, .example = "us-east-1a", .help = "Where, by name; required unless a quote is confirmed"), \
    FIELD_TIME  ("starts_at",      struct reservation, starts_at, .flags = FIELD_NULLABLE, .example = "2026-12-01T00:00:00Z", .help = "Start, inclusive; null: the instant of the decision (of a quote: when its hold is over)"), \
    FIELD_TIME  ("ends_at",        struct reservation, ends_at, .flags = FIELD_NULLABLE, .example = "2026-12-08T00:00:00Z", .help = "End, exclusive; null: until cancelled"), \
    FIELD_INT   ("duration_s",     struct reservation, duration_s, .flags = FIELD_NULLABLE | FIELD_OPTIONAL, .least = 1, .most = RESERVATION_DURATION_MAX_S, .help = "Length in seconds, with start_range, instead of starts_at and ends_at: the planner picks the start"), \
    FIELD_SPAN  ("start_range",    struct reservation, start_range, .flags = FIELD_NULLABLE | FIELD_OPTIONAL, .help = "With duration_s: the earliest start and the latest; the first may be null: now. The earliest that fits is taken"), \
    FIELD_OBJECT("placement",      struct reservation, placement, .flags = FIELD_CREATE_ONLY, .fields = reservation_placement_fields, .help = "How near to each other the instances are"), \
    FIELD_ENUM  ("tier",           struct reservation, tier, .flags = FIELD_CREATE_ONLY, .values = reservation_tiers, .fallback = "reserved", .help = "What may take its place"), \
    FIELD_ENUM  ("if_unavailable", struct reservation, if_unavailable, .values = unavailables, .fallback = "reject", .help = "What to do where it does not fit"), \
    FIELD_TEXT  ("image",          struct reservation, image, .flags = FIELD_CREATE_ONLY | FIELD_NULLABLE, .help = "What the instances boot, by name; null: the type's default"), \
    FIELD_LIST  ("ssh_keys",       struct reservation, ssh_keys, .flags = FIELD_CREATE_ONLY | FIELD_NULLABLE | FIELD_OPTIONAL, .most = 64, .help = "Which SSH keys open the instances, by name; they are looked up once, when it is made"), \
    FIELD_TEXT  ("user_data",      struct reservation, user_data, .flags = FIELD_CREATE_ONLY | FIELD_NULLABLE | FIELD_OPTIONAL, .pattern = FIELD_LINES, .least = 1, .most = 16384, .help = "What the instances are told when they first start, e.g. for cloud-init"), \
    FIELD_      ("authorized_keys", FIELD_TYPE_JSON, struct reservation, authorized_keys, .flags = FIELD_READ_ONLY | FIELD_OPTIONAL, .help = "The keys themselves, as they were then; not in lists"), \
    FIELD_MAP   ("labels",         struct reservation, labels, .fallback = "{}", .example = "{\"team\":\"pretrain\"}", .help = "The tenant's own key and value pairs"), \
    FIELD_TIME  ("created_at",     struct reservation, created_at, .flags = FIELD_READ_ONLY, .help = "When it was asked for")

const struct field reservation_fields[] = {
    WISH_FIELDS (IDENTITY_RESERVATION, "The reservation", "quote"),
    FIELD_ID    ("quote", struct reservation, quote, .identity = IDENTITY_QUOTE, .flags = FIELD_WRITE_ONLY | FIELD_NULLABLE | FIELD_CREATE_ONLY, .help = "The quote that becomes this reservation, as it stands: then nothing else is given"),
    FIELD_TIME  ("cancel_requested_at", struct reservation, cancel_requested_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "When its end was asked for; null: it was not"),
    FIELD_OBJECT("status", struct reservation, status, .flags = FIELD_READ_ONLY, .fields = status_fields, .help = "What was decided and found"),
    FIELD_TIME  ("deleted_at", struct reservation, deleted_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE | FIELD_OPTIONAL, .help = "When it was deleted; left out where it was not"),
    FIELD_      ("instances", FIELD_TYPE_ROWS, struct reservation, instances, .flags = FIELD_READ_ONLY | FIELD_OPTIONAL, .fields = brief_instance_fields, .help = "Its instances; not in lists"),
    FIELD_MONEY ("cost_delta", struct reservation, cost_delta, .flags = FIELD_READ_ONLY | FIELD_NULLABLE | FIELD_OPTIONAL, .help = "Only in the answer of a cancellation: what the policy charges less what is spared; null where what is left has no end or no price"),
    FIELDS_END,
};

const struct field reservation_price_fields[] = {
    FIELD_COLUMN_WITH("hourly",   FIELD_TYPE_MONEY, FIELD_NULLABLE, .help = "An hour of all its instances, at the price of its start"),
    FIELD_COLUMN_WITH("estimate", FIELD_TYPE_MONEY, FIELD_NULLABLE, .help = "All of it, as the invoice would rate it if everything is delivered, before tax; null: open-ended"),
    FIELDS_END,
};

const struct field quote_fields[] = {
    WISH_FIELDS (IDENTITY_QUOTE, "The quote", NULL),
    FIELD_INT   ("ttl_s", struct reservation, ttl_s, .least = 10, .most = 86400, .fallback = "900", .help = "Seconds it holds, unless its start comes before"),
    FIELD_TIME  ("hold_until", struct reservation, hold_until, .flags = FIELD_READ_ONLY, .help = "Until when it can be confirmed"),
    FIELD_ID    ("reservation", struct reservation, became, .identity = IDENTITY_RESERVATION, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "What it became; null: it is not confirmed"),
    FIELD_JSON  ("price", struct reservation, price, .flags = FIELD_READ_ONLY | FIELD_OPTIONAL, .fields = quote_price_fields, .help = "What it costs once confirmed; left out in lists, where it holds nothing, and where there is no price"),
    FIELD_OBJECT("status", struct reservation, status, .flags = FIELD_READ_ONLY, .fields = quote_status_fields, .help = "What was decided and found"),
    FIELD_TIME  ("deleted_at", struct reservation, deleted_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE | FIELD_OPTIONAL, .help = "When it was deleted; left out where it was not"),
    FIELDS_END,
};
// clang-format on

const struct schema reservation_schema = {"Reservation", reservation_fields, sizeof(struct reservation)};
const struct schema reservation_instance_schema = {"ReservationInstance", brief_instance_fields, 0};
const struct schema quote_schema = {"Quote", quote_fields, sizeof(struct reservation)};
