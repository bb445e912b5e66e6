/* A setting's names, and its value from a text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config_setting.h"

#include "common/alloc.h"
#include "common/must.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void setting_spell(const char *key, bool as_flag, char ret[static SETTING_KEY_SIZE])
{
    size_t length = strlen(key);
    must(length < SETTING_KEY_SIZE);
    for (size_t i = 0; i < length; i++) {
        if (as_flag)
            ret[i] = key[i] == '_' ? '-' : key[i];
        else
            ret[i] = (char)toupper((unsigned char)key[i]);
    }
    ret[length] = '\0';
}

void *setting_field(const struct setting *setting, void *target)
{
    return (char *)target + setting->offset;
}

static bool read_bool(const char *text, bool *ret)
{
    static const char *const texts[][2] = {{"false", "true"}, {"off", "on"}, {"no", "yes"}, {"0", "1"}};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        bool is_true = strcmp(text, texts[i][1]) == 0;
        if (is_true || strcmp(text, texts[i][0]) == 0) {
            *ret = is_true;
            return true;
        }
    }
    return false;
}

static bool read_int(const char *text, int64_t *ret)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool starts_well = isdigit((unsigned char)text[0]) != 0 || text[0] == '-'; /* strtoll would skip spaces */
    if (!starts_well || errno != 0 || end == text || *end != '\0')
        return false;
    *ret = value;
    return true;
}

const char *setting_shown(const struct setting *setting, const char *value)
{
    return setting->secret && value[0] != '\0' ? "********" : value;
}

void setting_range(const struct setting *setting, char ret[static SETTING_RANGE_SIZE])
{
    bool has_unit = setting->unit != NULL;
    int length = snprintf(ret, SETTING_RANGE_SIZE, "%" PRId64 " to %" PRId64 "%s%s", setting->least, setting->most,
                          has_unit ? " " : "", has_unit ? setting->unit : "");
    must(length > 0 && length < SETTING_RANGE_SIZE);
}

enum err_kind setting_store(const struct setting *setting, void *target, const char *text, struct err *reterr)
{
    void *field = setting_field(setting, target);
    if (setting->type == SETTING_TEXT) {
        *(char **)field = alloc_text(text);
        return ERR_NONE;
    }
    if (setting->type == SETTING_BOOL) {
        if (!read_bool(text, field))
            return err_set(reterr, ERR_INVALID, "setting '%s': '%s' is neither 'true' nor 'false'", setting->key,
                           setting_shown(setting, text));
        return ERR_NONE;
    }
    int64_t number = 0;
    if (!read_int(text, &number) || number < setting->least || number > setting->most) {
        char range[SETTING_RANGE_SIZE];
        setting_range(setting, range);
        return err_set(reterr, ERR_INVALID, "setting '%s': '%s' is not a whole number from %s", setting->key,
                       setting_shown(setting, text), range);
    }
    *(int64_t *)field = number;
    return ERR_NONE;
}
