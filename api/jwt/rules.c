/* Lines of words. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/jwt/rules.h"

#include "api/jwt/claims.h"
#include "common/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLANKS         " \t\r"
#define FILE_BYTES_MAX (256 * 1024)

struct rules {
    size_t count;
    struct rule rules[RULES_MAX];
};

struct word {
    const char *text;
    size_t length;
};

/* The words of a line, up to a #; how many there are, at most one more than fit. */
static size_t split(const char *line, size_t length, struct word *ret, size_t most)
{
    size_t count = 0, at = 0;
    while (count <= most) {
        while (at < length && strchr(BLANKS, line[at]) != NULL)
            at++;
        size_t begin = at;
        while (at < length && strchr(BLANKS, line[at]) == NULL)
            at++;
        if (at == begin || line[begin] == '#')
            return count;
        if (count < most)
            ret[count] = (struct word){line + begin, at - begin};
        count++;
    }
    return count;
}

static bool copy(const struct word *word, char *ret, size_t size)
{
    bool fits = word->length < size;
    memcpy(ret, word->text, fits ? word->length : 0);
    ret[fits ? word->length : 0] = '\0';
    return fits;
}

#define WORDS_OF_PEOPLE    4
#define WORDS_OF_WORKLOADS 5

static enum err_kind read_rule(const struct word *words, size_t count, struct rule *ret, struct err *reterr)
{
    char role[RULE_WORD_SIZE];
    bool fits = copy(&words[0], ret->claim, sizeof ret->claim) && copy(&words[1], ret->value, sizeof ret->value) &&
                copy(&words[2], role, sizeof role) && copy(&words[3], ret->tenant, sizeof ret->tenant);
    if (!fits || (count == WORDS_OF_WORKLOADS && !copy(&words[4], ret->account, sizeof ret->account)))
        return err_set(reterr, ERR_INVALID, "a word is longer than this reads");
    ret->role = role_from_text(role);
    if (ret->role == 0 || ret->role == ROLE_AGENT)
        return err_set(reterr, ERR_INVALID, "'%.40s' is no role of people or workloads", role);
    bool is_providers = strcmp(ret->tenant, "-") == 0;
    if (is_providers)
        ret->tenant[0] = '\0';
    if (role_is_tenants(ret->role) == is_providers)
        return err_set(reterr, ERR_INVALID,
                       is_providers ? "the role '%s' needs a tenant" : "the role '%s' has no tenant: -", role);
    return ERR_NONE;
}

static enum err_kind read_line(const char *line, size_t length, enum rules_of of, struct rules *rules,
                               struct err *reterr)
{
    struct word words[WORDS_OF_WORKLOADS];
    size_t wanted = of == RULES_OF_PEOPLE ? WORDS_OF_PEOPLE : WORDS_OF_WORKLOADS;
    size_t count = split(line, length, words, wanted);
    if (count == 0)
        return ERR_NONE;
    if (count != wanted)
        return err_set(reterr, ERR_INVALID, "a rule is '<claim> <value> <role> <tenant or ->%s'",
                       of == RULES_OF_PEOPLE ? "" : " <service account>");
    if (rules->count == RULES_MAX)
        return err_set(reterr, ERR_INVALID, "there are more than %d rules", RULES_MAX);
    return read_rule(words, count, &rules->rules[rules->count++], reterr);
}

enum err_kind rules_parse(const char *text, enum rules_of of, struct rules **ret, struct err *reterr)
{
    struct rules *rules = alloc_zero(1, sizeof *rules);
    enum err_kind kind = ERR_NONE;
    for (int number = 1; kind == ERR_NONE && *text != '\0'; number++) {
        size_t length = strcspn(text, "\n");
        kind = read_line(text, length, of, rules, reterr);
        if (kind != ERR_NONE)
            (void)err_context(reterr, "line %d", number);
        text += length + (text[length] == '\n');
    }
    if (kind == ERR_NONE && rules->count == 0)
        kind = err_set(reterr, ERR_INVALID, "there is no rule: nobody could come in");
    if (kind == ERR_NONE)
        *ret = rules;
    else
        rules_free(rules);
    return kind;
}

enum err_kind rules_load(const char *path, enum rules_of of, struct rules **ret, struct err *reterr)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(reterr, ERR_PRECONDITION, "the rules '%s' cannot be read: %s", path, strerror(errno));
    CLEANUP(text_freep) char *text = alloc_zero(FILE_BYTES_MAX + 1, 1);
    size_t length = fread(text, 1, FILE_BYTES_MAX + 1, file);
    bool is_whole = length <= FILE_BYTES_MAX && ferror(file) == 0;
    (void)fclose(file); /* nothing was written */
    if (!is_whole)
        return err_set(reterr, ERR_PRECONDITION, "the rules '%s' cannot be read, or are longer than %d bytes", path,
                       FILE_BYTES_MAX);
    enum err_kind kind = rules_parse(text, of, ret, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "%s", path);
}

void rules_free(struct rules *rules)
{
    free(rules);
}

const struct rule *rules_find(const struct rules *rules, const json_t *claims)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (claims_have(claims, rules->rules[i].claim, rules->rules[i].value))
            return &rules->rules[i];
    }
    return NULL;
}
