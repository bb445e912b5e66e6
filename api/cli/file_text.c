/* Reading a file, whole and bounded. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/file_text.h"

#include "common/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void close_file(FILE **file)
{
    if (*file != NULL && *file != stdin)
        (void)fclose(*file); /* it was read only */
}

static enum err_kind failed(struct err *reterr, const char *doing, const char *name)
{
    return err_set(reterr, ERR_MALFORMED, "cannot %s '%s': %s", doing, name, strerrordesc_np(errno));
}

enum err_kind file_text_read(const char *name, size_t bytes_max, char **ret, size_t *ret_length, struct err *reterr)
{
    CLEANUP(close_file) FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    if (file == NULL)
        return failed(reterr, "open", name);
    CLEANUP(text_freep) char *text = NULL;
    size_t capacity = 0;
    size_t length = 0;
    do { /* once even where standard input has been read to its end before: it says nothing then */
        if (capacity == length) {
            capacity = 2 * capacity + BUFSIZ;
            text = alloc_resize(text, capacity, 1);
        }
        length += fread(text + length, 1, capacity - length, file);
    } while (feof(file) == 0 && ferror(file) == 0 && length <= bytes_max);
    if (ferror(file) != 0)
        return failed(reterr, "read", name);
    if (length > bytes_max)
        return err_set(reterr, ERR_MALFORMED, "'%s' is longer than %zu bytes", name, bytes_max);
    *ret = TAKE(text);
    *ret_length = length;
    return ERR_NONE;
}
