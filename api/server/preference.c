/* Reading Prefer, and telling what was done of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/preference.h"

#include "api/server/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* delta-seconds (4.3); what is none is a preference that is not understood, and so is ignored (2). */
static void read_wait(const char *text, const char *behind, struct preference *preference)
{
    size_t digits = strspn(text, "0123456789");
    const char *rest = text + digits + strspn(text + digits, " \t");
    if (digits == 0 || rest != behind)
        return;
    long wait_s = strtol(text, NULL, 10); /* the greatest there is where it is more */
    preference->wait_ms = 1000 * (wait_s > WAIT_MAX_S ? WAIT_MAX_S : wait_s);
}

struct preference preference_parse(const char *header)
{
    struct preference preference = PREFERENCE_NONE;
    while (header != NULL && *header != '\0') {
        header += strspn(header, " \t,;");
        size_t length = strcspn(header, ",;");
        if (length == strlen("respond-async") && strncasecmp(header, "respond-async", strlen("respond-async")) == 0)
            preference.respond_async = true;
        if (length > strlen("wait=") && strncasecmp(header, "wait=", strlen("wait=")) == 0)
            read_wait(header + strlen("wait="), header + length, &preference);
        header += length;
    }
    return preference;
}

int64_t preference_wait_ms(const struct preference *preference, int64_t usual_ms)
{
    if (preference->wait_ms >= 0)
        return preference->wait_ms;
    return preference->respond_async ? 0 : usual_ms;
}

void preference_print(const struct preference *preference, char text[static PREFERENCE_TEXT_SIZE])
{
    int length = snprintf(text, PREFERENCE_TEXT_SIZE, "%s", preference->respond_async ? "respond-async" : "");
    if (preference->wait_ms >= 0)
        (void)snprintf(text + length, (size_t)(PREFERENCE_TEXT_SIZE - length), "%swait=%" PRId64,
                       length > 0 ? ", " : "", preference->wait_ms / 1000);
}
