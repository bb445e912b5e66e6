/* What printed documents promise: the same bytes for the same content, and numbers as people write them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/document_text.h"
#include "common/invoice_pdf.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// clang-format off
#define DOCUMENT_HEAD                                                                                                  \
    "{\"kind\":\"invoice\",\"number\":\"INV-000001\",\"issued_on\":\"2026-07-01\",\"due_on\":\"2026-07-31\","          \
    "\"period_first_day\":\"2026-06-01\",\"period_last_day\":\"2026-06-30\",\"currency\":\"EUR\",\"net_minor\":"       \
    "1378560,\"tax_minor\":261926,\"total_minor\":1640486,\"configuration\":{\"seller\":{\"name\":\"Sluice GmbH\"},"   \
    "\"buyer\":{\"name\":\"Łódź Straße (Zürich) AG\",\"address\":\"Bahnhofstraße 1\\n8001 Zürich\"}},\"taxes\":["      \
    "{\"rate_bp\":1900,\"base_minor\":1378560,\"tax_minor\":261926,\"note\":null}],\"lines\":["
// clang-format on

static void render(const char *document, unsigned char **ret, size_t *ret_length)
{
    struct err err = {0};
    ck_assert_msg(invoice_pdf_render(document, ret, ret_length, &err) == ERR_NONE, "%s", err.text);
}

/* Lines enough for three pages. */
static char *long_document(void)
{
    size_t size = 100000;
    char *document = malloc(size);
    ck_assert_ptr_nonnull(document);
    int length = snprintf(document, size, "%s", DOCUMENT_HEAD);
    for (int i = 1; i <= 90; i++)
        length +=
            snprintf(document + length, size - (size_t)length,
                     "%s{\"line_no\":%d,\"description\":\"h100.8x at 2.49 EUR per GPU-hour, of a name that goes on and "
                     "on and so has to be broken into lines\",\"gpu_milli_seconds\":10713600000,\"unit_price_u\":"
                     "2490000,\"tax_shown_minor\":140795,\"net_minor\":741024}",
                     i > 1 ? "," : "", i);
    (void)snprintf(document + length, size - (size_t)length, "]}");
    return document;
}

START_TEST(the_same_content_is_the_same_bytes)
{
    unsigned char *first = NULL;
    unsigned char *again = NULL;
    size_t first_length = 0;
    size_t again_length = 0;
    char *document = long_document();
    render(document, &first, &first_length);
    render(document, &again, &again_length);
    ck_assert_uint_eq(first_length, again_length);
    ck_assert_int_eq(memcmp(first, again, first_length), 0);
    ck_assert_int_eq(memcmp(first, "%PDF-", 5), 0);
    free(first);
    free(again);
    free(document);
}
END_TEST

START_TEST(what_is_no_document_is_refused)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    ck_assert_int_eq(invoice_pdf_render("{", &bytes, &length, NULL), ERR_INTERNAL);
    ck_assert_int_ne(invoice_pdf_render("{\"currency\":\"XXX\"}", &bytes, &length, NULL), ERR_NONE);
}
END_TEST

START_TEST(numbers_are_written_as_people_write_them)
{
    char text[DOCUMENT_TEXT_SIZE];
    document_text_minor(1640486, 2, text);
    ck_assert_str_eq(text, "16,404.86");
    document_text_minor(-5, 2, text);
    ck_assert_str_eq(text, "-0.05");
    document_text_minor(1234567, 0, text);
    ck_assert_str_eq(text, "1,234,567");
    document_text_minor(INT64_MIN, 3, text);
    ck_assert_str_eq(text, "-9,223,372,036,854,775.808");
    document_text_gpu_hours(INT64_C(1339200) * 8000, text);
    ck_assert_str_eq(text, "2,976.0000");
    document_text_gpu_hours(1, text);
    ck_assert_str_eq(text, "0.0000");
    document_text_gpu_hours(1234567, text);
    ck_assert_str_eq(text, "0.3429");
    document_text_price(2490000, text);
    ck_assert_str_eq(text, "2.49");
    document_text_price(10125, text);
    ck_assert_str_eq(text, "0.010125");
    document_text_percent(1900, text);
    ck_assert_str_eq(text, "19 %");
    document_text_percent(725, text);
    ck_assert_str_eq(text, "7.25 %");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("invoice_pdf");
    TCase *documents = tcase_create("documents");
    tcase_add_test(documents, the_same_content_is_the_same_bytes);
    tcase_add_test(documents, what_is_no_document_is_refused);
    tcase_add_test(documents, numbers_are_written_as_people_write_them);
    suite_add_tcase(suite, documents);
    return suite;
}
