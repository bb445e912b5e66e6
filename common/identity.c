/* UUIDv7 (RFC 9562 section 5.7) and its text: 26 characters of Crockford base32, 130 bits of which the first two
 * are zero, so the first character is 0 to 7. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/identity.h"

#include "common/clock.h"
#include "common/must.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define BASE32_LENGTH 26
#define UUID_LENGTH   36
#define PREFIX_LENGTH 3

static const char base32_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
static const char hex_digits[] = "0123456789abcdef";

static const char *const prefixes[IDENTITY_KIND_COUNT] = {
#define X(kind, prefix) [kind] = (prefix),
    IDENTITY_KINDS(X)
#undef X
};

/* ---- Making ---- */

/* The 74 bits behind the time, as the number that rises within a millisecond. */
struct tail {
    uint64_t high; /* rand_a: 12 bits */
    uint64_t low;  /* rand_b: 62 bits */
};
#define TAIL_HIGH_MAX 0xfffU
#define TAIL_LOW_MAX  ((UINT64_C(1) << 62) - 1)

#define STEPS 256

static struct {
    pthread_mutex_t lock;
    int64_t ms;
    struct tail tail;
    uint32_t steps[STEPS]; /* drawn together: asking for each by itself costs more than all else here */
    unsigned steps_left;
} last = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Draws the tail of a new millisecond. Its topmost bit is clear, which leaves room to rise. */
static struct tail tail_draw(void)
{
    uint64_t random[2];
    must(RAND_bytes((unsigned char *)random, sizeof random) == 1);
    return (struct tail){.high = random[0] & (TAIL_HIGH_MAX >> 1), .low = random[1] & TAIL_LOW_MAX};
}

/* Raises the tail by a random step (RFC 9562 section 6.2, method 2); false where it would overflow. */
static bool tail_raise(struct tail *tail)
{
    if (last.steps_left == 0) {
        must(RAND_bytes((unsigned char *)last.steps, sizeof last.steps) == 1);
        last.steps_left = STEPS;
    }
    tail->low += (uint64_t)last.steps[--last.steps_left] + 1;
    if (tail->low <= TAIL_LOW_MAX)
        return true;
    tail->low &= TAIL_LOW_MAX;
    tail->high++;
    return tail->high <= TAIL_HIGH_MAX;
}

struct identity identity_new(void)
{
    int64_t now_ms = clock_real_ms();
    must(pthread_mutex_lock(&last.lock) == 0);
    if (now_ms > last.ms) {
        last.ms = now_ms;
        last.tail = tail_draw();
    } else if (!tail_raise(&last.tail)) { /* also where the clock went back: ids keep rising */
        last.ms++;
        last.tail = tail_draw();
    }
    uint64_t ms = (uint64_t)last.ms;
    struct tail tail = last.tail;
    must(pthread_mutex_unlock(&last.lock) == 0);

    struct identity id = {0};
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    id.bytes[6] = (uint8_t)(0x70U | (tail.high >> 8));
    id.bytes[7] = (uint8_t)tail.high;
    for (int i = 0; i < 8; i++)
        id.bytes[8 + i] = (uint8_t)(tail.low >> (56 - 8 * i));
    id.bytes[8] |= 0x80U; /* variant */
    return id;
}

int64_t identity_made_ms(struct identity id)
{
    int64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id.bytes[i];
    return ms;
}

/* ---- Writing ---- */

__extension__ typedef unsigned __int128 number128;

static number128 number_of(struct identity id)
{
    number128 number = 0;
    for (int i = 0; i < 16; i++)
        number = number << 8 | id.bytes[i];
    return number;
}

void identity_to_text(enum identity_kind kind, struct identity id, char ret[static IDENTITY_TEXT_SIZE])
{
    must(kind < IDENTITY_KIND_COUNT);
    memcpy(ret, prefixes[kind], PREFIX_LENGTH);
    ret[PREFIX_LENGTH] = '_';
    char *digits = ret + PREFIX_LENGTH + 1;
    number128 number = number_of(id);
    for (int place = BASE32_LENGTH - 1; place >= 0; place--, number >>= 5)
        digits[place] = base32_digits[(unsigned)number & 0x1fU];
    digits[BASE32_LENGTH] = '\0';
}

static bool uuid_has_hyphen_before(int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void identity_to_uuid(struct identity id, char ret[static UUID_TEXT_SIZE])
{
    char *end = ret;
    for (int i = 0; i < 16; i++) {
        if (uuid_has_hyphen_before(i))
            *end++ = '-';
        *end++ = hex_digits[id.bytes[i] >> 4];
        *end++ = hex_digits[id.bytes[i] & 0xfU];
    }
    *end = '\0';
}

/* ---- Reading ---- */

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

#define NO_DIGIT 0xff

/* The value of each character as a digit, in either case. */
struct digits {
    uint8_t base32[256], hex[256];
};

static struct digits digit_values;

static void fill_digits(uint8_t values[static 256], const char *alphabet)
{
    memset(values, NO_DIGIT, 256);
    for (uint8_t value = 0; alphabet[value] != '\0'; value++) {
        values[(uint8_t)alphabet[value]] = value;
        if (alphabet[value] >= 'a')
            values[(uint8_t)(alphabet[value] - 'a' + 'A')] = value;
    }
}

static void fill_all_digits(void)
{
    fill_digits(digit_values.base32, base32_digits);
    fill_digits(digit_values.hex, hex_digits);
}

static const struct digits *digits(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    must(pthread_once(&once, fill_all_digits) == 0);
    return &digit_values;
}

/* 26 digits of five bits into the 16 bytes' 128: the first has three. */
static bool base32_read(const char *text, struct identity *ret)
{
    const uint8_t *values = digits()->base32;
    number128 number = 0;
    for (int place = 0; place < BASE32_LENGTH; place++) {
        uint8_t value = values[(uint8_t)text[place]]; /* the terminating zero is no digit */
        if (value == NO_DIGIT || (place == 0 && value > 7))
            return false;
        number = number << 5 | value;
    }
    if (text[BASE32_LENGTH] != '\0')
        return false;
    for (int i = 15; i >= 0; i--, number >>= 8)
        ret->bytes[i] = (uint8_t)number;
    return true;
}

static bool prefix_fits(const char *prefix, const char *text)
{
    for (size_t i = 0; i < PREFIX_LENGTH; i++) {
        if (lower(text[i]) != prefix[i])
            return false;
    }
    return text[PREFIX_LENGTH] == '_';
}

enum err_kind identity_from_text(enum identity_kind kind, const char *text, struct identity *ret, struct err *reterr)
{
    must(kind < IDENTITY_KIND_COUNT);
    if (!prefix_fits(prefixes[kind], text) || !base32_read(text + PREFIX_LENGTH + 1, ret)) {
        return err_set_code(reterr, ERR_INVALID, "invalid_id", "'%.40s' is not an identifier of the form '%s_...'",
                            text, prefixes[kind]);
    }
    return ERR_NONE;
}

static bool uuid_read(const char *text, struct identity *ret)
{
    const uint8_t *values = digits()->hex;
    struct identity id = {0};
    const char *next = text;
    if (strnlen(text, UUID_LENGTH + 1) != UUID_LENGTH)
        return false;
    for (int i = 0; i < 16; i++) {
        if (uuid_has_hyphen_before(i) && *next++ != '-')
            return false;
        uint8_t high = values[(uint8_t)next[0]], low = values[(uint8_t)next[1]];
        if (high == NO_DIGIT || low == NO_DIGIT)
            return false;
        id.bytes[i] = (uint8_t)(high << 4 | low);
        next += 2;
    }
    *ret = id;
    return true;
}

enum err_kind identity_from_uuid(const char *text, struct identity *ret, struct err *reterr)
{
    if (!uuid_read(text, ret))
        return err_set_code(reterr, ERR_INVALID, "invalid_id", "'%.40s' is not a UUID", text);
    return ERR_NONE;
}

enum err_kind identity_from_any(const char *text, struct identity *ret, struct err *reterr)
{
    if (uuid_read(text, ret))
        return ERR_NONE;
    for (size_t kind = 0; kind < IDENTITY_KIND_COUNT; kind++) {
        if (prefix_fits(prefixes[kind], text) && base32_read(text + PREFIX_LENGTH + 1, ret))
            return ERR_NONE;
    }
    return err_set_code(reterr, ERR_INVALID, "invalid_id", "'%.40s' is not an identifier", text);
}

void identity_text_of_uuid(enum identity_kind kind, const char *uuid, char ret[static IDENTITY_TEXT_SIZE])
{
    struct identity id = {0};
    must(uuid_read(uuid, &id));
    identity_to_text(kind, id, ret);
}
