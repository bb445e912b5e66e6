/* Whatever text comes: it is refused, or it is the one text of an identifier of one kind, but for its case. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/identity.h"
#include "common/must.h"

#include <string.h>
#include <strings.h>

#define TEXT_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_text(enum identity_kind kind, const char *text)
{
    struct identity id = {0};
    struct err err = {0};
    char again[IDENTITY_TEXT_SIZE];
    if (identity_from_text(kind, text, &id, &err) != ERR_NONE) {
        must(err.kind == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    identity_to_text(kind, id, again);
    must(strcasecmp(text, again) == 0);
    for (unsigned other = 0; other < IDENTITY_KIND_COUNT; other++)
        must((identity_from_text((enum identity_kind)other, text, &id, NULL) == ERR_NONE) == (other == (unsigned)kind));
}

static void read_uuid(const char *text)
{
    struct identity id = {0};
    char again[UUID_TEXT_SIZE];
    if (identity_from_uuid(text, &id, NULL) != ERR_NONE)
        return;
    identity_to_uuid(id, again);
    must(strcasecmp(text, again) == 0);
}

/* Any 16 bytes are an identifier, whose text comes back. */
static void write_bytes(const uint8_t *data)
{
    struct identity id = {0};
    struct identity again = {0};
    char text[IDENTITY_TEXT_SIZE];
    memcpy(id.bytes, data, sizeof id.bytes);
    identity_to_text(IDENTITY_NODE, id, text);
    must(identity_from_text(IDENTITY_NODE, text, &again, NULL) == ERR_NONE);
    must(memcmp(&id, &again, sizeof id) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size >= TEXT_MAX)
        return 0;
    char text[TEXT_MAX] = "";
    memcpy(text, data + 1, size - 1);
    read_text((enum identity_kind)(data[0] % IDENTITY_KIND_COUNT), text);
    read_uuid(text);
    if (size > sizeof(struct identity))
        write_bytes(data + 1);
    return 0;
}
