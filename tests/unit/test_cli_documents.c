/* What declarative files promise: YAML and JSON are read as they are meant, and what is wrong is told with its line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/apply_compare.h"
#include "api/cli/declaration.h"
#include "api/cli/text.h"
#include "common/arena.h"
#include "tests/unit/suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static struct arena *arena;
static struct documents documents;
static struct declarations declarations;
static struct err err;

static void begin(void)
{
    arena = arena_new();
    documents = (struct documents){0};
    declarations = (struct declarations){0};
    err = (struct err){0};
}

static void end(void)
{
    documents_clear(&documents);
    declarations_clear(&declarations);
    arena_free(arena);
}

/* ---- Texts ---- */

/* A text, and its documents one below the other. */
static const struct {
    const char *text, *documents;
} readings[] = {
    {"", ""},
    {"# nothing but a comment\n", ""},
    {"---\n---\n", ""},
    {"a: 1\n---\nb: 2\n...\n", "{\"a\":1}\n{\"b\":2}\n"},
    {"- a: 1\n- a: &x 2\n- {a: *x}\n---\na: 3\n", "{\"a\":1}\n{\"a\":2}\n{\"a\":2}\n{\"a\":3}\n"},
    {"- - a\n-\n", "[\"a\"]\n"},
    {"[[\"a\"], null]", "[\"a\"]\n"},
    {"{\"a\": 1}\n{\"a\": 2}", "{\"a\":1}\n{\"a\":2}\n"},
    {" [{\"a\": 1}, {\"a\": \"\\ud83d\\ude00\"}]\n", "{\"a\":1}\n{\"a\":\"\xf0\x9f\x98\x80\"}\n"},
    /* What is text in nobody's file but YAML 1.1's. */
    {"a: [no, off, y, 012, 0x1f, 1_000, +5, .5, 12:30, 2026-12-01, 2026-12-01T00:00:00Z, 1e, -]",
     "{\"a\":[\"no\",\"off\",\"y\",\"012\",\"0x1f\",\"1_000\",\"+5\",\".5\",\"12:30\",\"2026-12-01\","
     "\"2026-12-01T00:00:00Z\",\"1e\",\"-\"]}\n"},
    {"a: [~, null, true, False, 7, -7, 2.5, '7', \"true\", !!str 7]",
     "{\"a\":[null,null,true,false,7,-7,2.5,\"7\",\"true\",\"7\"]}\n"},
    {"a: |\n  two\n  lines\nb:\n", "{\"a\":\"two\\nlines\\n\",\"b\":null}\n"},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"},
    {"a: &x {b: 1}\nc: *x\nd: [*x, *x]\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1},\"d\":[{\"b\":1},{\"b\":1}]}\n"},
};

START_TEST(texts_are_read_as_they_are_meant)
{
    ck_assert_msg(documents_read(arena, readings[_i].text, strlen(readings[_i].text), &documents, &err) == ERR_NONE,
                  "%s: %s", readings[_i].text, err.text);
    const char *read = "";
    for (size_t i = 0; i < documents.count; i++) {
        char *text = json_dumps(documents.items[i].value, JSON_COMPACT);
        read = arena_format(arena, "%s%s\n", read, text);
        free(text);
    }
    ck_assert_str_eq(read, readings[_i].documents);
}
END_TEST

/* A text, and how the error begins. */
static const struct {
    const char *text, *error;
} refusals[] = {
    {"a: 1\nb: [1, 2\nc: 3\n", "line 3: "},
    {"a: 1\n\tb: 2\n", "line 2: "},
    {"a: 1\nb: 2\na: 3\n", "line 3: 'a' stands here twice"},
    {"a: 1\nb: *x\n", "line 2: the alias has no anchor"},
    {"a: &x\n  b: *x\n", "line 2: the alias stands within"},
    {"a: &x {b: 1}\nc:\n  <<: *x\n", "line 3: merge keys"},
    {"a: !!binary aGk=\n", "line 1: the tag 'tag:yaml.org,2002:binary'"},
    {"a: 1\n? [b]\n: 2\n", "line 2: a key"},
    {"a: 99999999999999999999\n", "line 1: the number is too large"},
    {"a: 1\nb: \"x\\0\"\n", "line 2: a text has a character that is NUL"},
    {"a: \x01\n", "line 1: control characters are not allowed"},
    {"a: 1\nb: \xff\n", "line "},
    {"{\n\"a\": 1,\n\"b\" 2}", "line 3: "},
    {"{\"a\": 1}\n{\"a\": 1,\n\"a\": 2}", "line 3: duplicate object key"},
    {"[1, 2", "line 1: "},
    {"a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "line 1: lists and objects stand too deep"},
    {"{}\n{\"a\": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
     "line 2: lists and objects stand too deep"},
    {"a: &x [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]\nb: &y [[[[[[[[[[[[[[*x]]]]]]]]]]]]]]\nc: [*y]\nd: [[*y]]\n",
     "line 4: lists and objects stand too deep"},
    {"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
     "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
     "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n",
     "line 7: with its aliases written out"},
};

START_TEST(what_cannot_be_read_is_told_with_its_line)
{
    ck_assert_int_eq(documents_read(arena, refusals[_i].text, strlen(refusals[_i].text), &documents, &err),
                     ERR_MALFORMED);
    ck_assert_msg(strncmp(err.text, refusals[_i].error, strlen(refusals[_i].error)) == 0, "%s", err.text);
    ck_assert_uint_eq(documents.count, 0);
}
END_TEST

/* ---- Declarations ---- */

static enum err_kind declare(const char *text)
{
    return declarations_read(arena, "a.yaml", text, strlen(text), &declarations, &err);
}

static const struct {
    const char *text, *error;
} wrong[] = {
    {"- 1", "'a.yaml', document 1 (line 1): a document is an object"},
    {"- kind: project\n  name: a\n- 1\n", "'a.yaml', document 2 (line 3): a document is an object"},
    {"kind: project\nname: a\n---\nname: b\n", "'a.yaml', document 2 (line 4): kind is missing"},
    {"kind: pod\nname: a\n", "'a.yaml', document 1 (line 1): there is no kind 'pod', but: tenant, zone, "},
    {"kind: project\nname: a\nmetadata: {}\n",
     "'a.yaml', document 1 (line 1): 'metadata' is none of kind, name and spec"},
    {"kind: project\nspec: {}\n", "'a.yaml', document 1 (line 1): the project has no name"},
    {"kind: project\nname: 7\n", "'a.yaml', document 1 (line 1): name is no text: 7 is one in quotes"},
    {"kind: project\nname: true\n", "'a.yaml', document 1 (line 1): name is no text: true is one in quotes"},
    {"kind: quote\nname: a\n", "'a.yaml', document 1 (line 1): a quote is not declared: it "},
    {"kind: Token\nname: a\n", "'a.yaml', document 1 (line 1): a token is not declared: it "},
    {"kind: reservation\nname: a\nspec: {quote: quo_1}\n",
     "'a.yaml', document 1 (line 1): spec.quote is used up at once: 'sluice quote confirm'"},
    {"kind: project\nname: a\nspec: {name: b}\n", "'a.yaml', document 1 (line 1): name and spec.name say two things"},
    {"kind: project\nname: a\nspec: []\n", "'a.yaml', document 1 (line 1): spec is no object"},
    {"kind: quota\nname: a\n", "'a.yaml', document 1 (line 1): a quota has no name"},
};

START_TEST(a_document_that_declares_nothing_is_told_with_its_place)
{
    ck_assert_int_eq(declare(wrong[_i].text), ERR_MALFORMED);
    ck_assert_msg(strncmp(err.text, wrong[_i].error, strlen(wrong[_i].error)) == 0, "%s", err.text);
}
END_TEST

START_TEST(what_others_name_comes_first_and_nothing_comes_twice)
{
    ck_assert_int_eq(
        declare("kind: Reservation\nname: llama\n---\nkind: SSH_Key\nname: ana\n---\nkind: ssh-key\nname: bob\n"),
        ERR_NONE);
    ck_assert_int_eq(declare("kind: project\nspec: {name: research}\n"), ERR_NONE);
    ck_assert_int_eq(declarations_order(arena, &declarations, &err), ERR_NONE);
    static const char *const order[] = {"project/research", "ssh-key/ana", "ssh-key/bob", "reservation/llama"};
    ck_assert_uint_eq(declarations.count, COUNT_OF(order));
    for (size_t i = 0; i < COUNT_OF(order); i++)
        ck_assert_str_eq(declarations.items[i].shown, order[i]);
    ck_assert_str_eq(json_text_at(declarations.items[0].spec, "name"), "research");

    ck_assert_int_eq(declare("# again\nkind: ssh-key\nname: bob\n"), ERR_NONE);
    ck_assert_int_eq(declarations_order(arena, &declarations, &err), ERR_MALFORMED);
    ck_assert_str_eq(err.text,
                     "'a.yaml', document 1 (line 2): ssh-key/bob stands in 'a.yaml', document 3 (line 7), too");
}
END_TEST

START_TEST(what_two_of_a_kind_are_told_apart_by_is_part_of_what_they_are)
{
    ck_assert_int_eq(
        declare(
            "kind: member\nname: ana\nspec: {tenant: acme}\n---\nkind: member\nname: ana\nspec: {tenant: other}\n---\n"
            "kind: quota\nspec: {tenant: acme, zone: z}\n---\nkind: quota\nspec: {tenant: acme, zone: z, gpu_model: H100}\n"),
        ERR_NONE);
    ck_assert_int_eq(declarations_order(arena, &declarations, &err), ERR_NONE);
    ck_assert_str_eq(declarations.items[0].shown, "quota/acme/z");
    ck_assert_str_eq(declarations.items[1].shown, "quota/acme/z/H100");
    ck_assert_str_eq(declarations.items[2].shown, "member/acme/ana");
    CLEANUP(json_release)
    json_t *all_models =
        json_loads("{\"tenant\": \"acme\", \"zone\": \"z\", \"project\": null, \"gpu_model\": null}", 0, NULL);
    ck_assert(declaration_is_of(&declarations.items[0], all_models));
    ck_assert(!declaration_is_of(&declarations.items[1], all_models));
}
END_TEST

/* ---- Many ---- */

#define TEXTS         2
#define OF_ONE_TEXT   10000
#define ORDERED_CPU_S 5.0 /* a tenth of one, with sanitizers; each beside each they took half a minute */

static double cpu_s(void)
{
    struct timespec used;
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

START_TEST(as_many_as_one_likes_are_put_in_order)
{
    for (int i = 0; i < TEXTS; i++) {
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        for (int j = 0; j < OF_ONE_TEXT; j++)
            fprintf(out, "{\"kind\": \"project\", \"name\": \"p%d\"}\n", i * OF_ONE_TEXT + j);
        fclose(out);
        ck_assert_msg(declare(text) == ERR_NONE, "%s", err.text);
        free(text);
    }
    double before_s = cpu_s();
    ck_assert_int_eq(declarations_order(arena, &declarations, &err), ERR_NONE);
    ck_assert_double_lt(cpu_s() - before_s, ORDERED_CPU_S);
    ck_assert_uint_eq(declarations.count, TEXTS * OF_ONE_TEXT);
}
END_TEST

#define SMALL_TEXTS 3000
#define MEMORY_KIB  524288 /* the sanitizer keeps half of that of what is free */

static long memory_kib(void)
{
    struct rusage used;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &used), 0);
    return used.ru_maxrss;
}

START_TEST(many_small_texts_take_little_memory)
{
    long before_kib = memory_kib();
    for (int i = 0; i < SMALL_TEXTS; i++)
        ck_assert_int_eq(declare(arena_format(arena, "kind: project\nname: p%d\n", i)), ERR_NONE);
    ck_assert_int_lt(memory_kib() - before_kib, MEMORY_KIB);
    ck_assert_uint_eq(declarations.count, SMALL_TEXTS);
}
END_TEST

/* ---- Comparing ---- */

static json_t *of(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(value);
    return value;
}

START_TEST(differences_are_told_field_by_field)
{
    CLEANUP(json_release)
    json_t *before = of(
        "{\"id\": \"x\", \"count\": 4, \"labels\": {\"a\": \"1\", \"b\": \"2\"}, \"note\": null, \"instances\": []}");
    CLEANUP(json_release)
    json_t *after = of("{\"id\": \"y\", \"count\": 8, \"labels\": {\"b\": \"2\", \"c\": \"3\"}, \"status\": {}}");
    CLEANUP(json_release) json_t *differences = compare_objects(before, after);
    char *text = json_dumps(differences, JSON_COMPACT);
    ck_assert_str_eq(text, "[{\"field\":\"count\",\"before\":4,\"after\":8},{\"field\":\"labels.a\",\"before\":\"1\"},"
                           "{\"field\":\"labels.c\",\"after\":\"3\"}]");
    free(text);
    CLEANUP(json_release) json_t *none = compare_objects(after, after);
    ck_assert_uint_eq(json_array_size(none), 0);
}
END_TEST

START_TEST(a_spec_is_had_where_all_that_it_says_is_there)
{
    CLEANUP(json_release)
    json_t *object =
        of("{\"count\": 4, \"placement\": {\"within\": \"rack\", \"mode\": \"required\"}, \"name\": null}");
    static const struct {
        const char *spec;
        bool has, hides;
    } specs[] = {
        {"{}", true, false},
        {"{\"placement\": {\"within\": \"rack\"}, \"name\": null, \"image\": null}", true, false},
        {"{\"placement\": {\"within\": \"leaf\"}}", false, false},
        {"{\"count\": 4, \"secret\": \"s\"}", false, true},
    };
    for (size_t i = 0; i < COUNT_OF(specs); i++) {
        CLEANUP(json_release) json_t *spec = of(specs[i].spec);
        ck_assert_msg(compare_has(object, spec) == specs[i].has, "%s", specs[i].spec);
        ck_assert_msg(compare_is_hidden(spec, object) == specs[i].hides, "%s", specs[i].spec);
    }
}
END_TEST

START_TEST(a_pointer_leads_to_a_text_or_a_list_that_has_it)
{
    CLEANUP(json_release)
    json_t *spec = of("{\"project\": \"p\", \"ssh_keys\": [\"ana\", \"bob\"], \"count\": 1, \"a\": {\"b\": \"p\"}}");
    static const struct {
        const char *pointer, *text;
        bool says;
    } pointers[] = {
        {"/project", "p", true},     {"/ssh_keys/1", "bob", true}, {"/ssh_keys", "ana", true},
        {"/a/b", "p", true},         {"/project", "q", false},     {"/ssh_keys/2", "ana", false},
        {"/project/0", "p", false},  {"/x/y", "p", false},         {"", "p", false},
        {"/", "p", false},           {"project", "p", false},      {"/count", "1", false},
        {"/ssh_keys", "eve", false},
    };
    for (size_t i = 0; i < COUNT_OF(pointers); i++)
        ck_assert_msg(compare_says(spec, pointers[i].pointer, pointers[i].text) == pointers[i].says, "%s",
                      pointers[i].pointer);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("cli_documents");
    TCase *tests = tcase_create("documents");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, texts_are_read_as_they_are_meant, 0, COUNT_OF(readings));
    tcase_add_loop_test(tests, what_cannot_be_read_is_told_with_its_line, 0, COUNT_OF(refusals));
    tcase_add_loop_test(tests, a_document_that_declares_nothing_is_told_with_its_place, 0, COUNT_OF(wrong));
    tcase_add_test(tests, what_others_name_comes_first_and_nothing_comes_twice);
    tcase_add_test(tests, what_two_of_a_kind_are_told_apart_by_is_part_of_what_they_are);
    tcase_add_test(tests, as_many_as_one_likes_are_put_in_order);
    tcase_add_test(tests, many_small_texts_take_little_memory);
    tcase_add_test(tests, differences_are_told_field_by_field);
    tcase_add_test(tests, a_spec_is_had_where_all_that_it_says_is_there);
    tcase_add_test(tests, a_pointer_leads_to_a_text_or_a_list_that_has_it);
    suite_add_tcase(suite, tests);
    return suite;
}
