/* Whatever stands in a configuration file: the start is refused with a reason, or every setting has a value within its
 * bounds, and a file written from these values gives the same ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATH_SIZE 64

struct values {
    char *name;
    char *token;
    int64_t limit_s;
    bool is_quick;
};

static const struct setting settings[] = {
    {"name", SETTING_TEXT, offsetof(struct values, name), NULL, 0, 0, NULL, false, "required"},
    {"token", SETTING_TEXT, offsetof(struct values, token), "", 0, 0, NULL, true, "a secret"},
    {"limit_s", SETTING_INT, offsetof(struct values, limit_s), "7", -5, 1000, "s", false, "a number"},
    {"is_quick", SETTING_BOOL, offsetof(struct values, is_quick), "false", 0, 0, NULL, false, "yes or no"},
    SETTINGS_END,
};

static enum err_kind load(const void *text, size_t size, struct values *ret, struct err *reterr)
{
    char path[PATH_SIZE];
    int file = memfd_create("config", MFD_CLOEXEC);
    must(file >= 0 && write(file, text, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);

    char program[] = "fuzz", flag[] = "--config";
    char *argv[] = {program, flag, path, NULL};
    const struct config_part parts[] = {{settings, ret}, {NULL, NULL}};
    bool done = false;
    int status = 0;
    enum err_kind kind = config_load("fuzz", "", parts, 3, argv, &done, &status, reterr);
    must(!done);
    must(close(file) == 0);
    return kind;
}

static void release(struct values *values)
{
    config_release((const struct config_part[]){{settings, values}, {NULL, NULL}});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    CLEANUP(release) struct values values = {0};
    if (load(data, size, &values, &err) != ERR_NONE) {
        must(err.kind == ERR_INVALID && err.text[0] != '\0');
        must(values.name == NULL && values.token == NULL);
        return 0;
    }
    must(values.name != NULL && values.token != NULL);
    must(values.limit_s >= -5 && values.limit_s <= 1000);

    CLEANUP(text_freep) char *file = NULL;
    int length = asprintf(&file, "name=%s\ntoken = %s\nlimit_s = %" PRId64 "\n# a comment\n\nis_quick = %s",
                          values.name, values.token, values.limit_s, values.is_quick ? "true" : "false");
    must(length > 0);
    CLEANUP(release) struct values again = {0};
    must(load(file, (size_t)length, &again, &err) == ERR_NONE);
    must(strcmp(again.name, values.name) == 0 && strcmp(again.token, values.token) == 0);
    must(again.limit_s == values.limit_s && again.is_quick == values.is_quick);
    return 0;
}
