/* Files, and directories of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/apply_files.h"

#include "api/cli/file_text.h"
#include "common/arena.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX 4194304 /* 4 MiB */

static enum err_kind read_file(struct arena *arena, const char *name, struct declarations *declarations,
                               struct err *reterr)
{
    CLEANUP(text_freep) char *text = NULL;
    size_t length = 0;
    enum err_kind kind = file_text_read(name, FILE_BYTES_MAX, &text, &length, reterr);
    const char *shown = strcmp(name, "-") == 0 ? "standard input" : name;
    return kind == ERR_NONE ? declarations_read(arena, shown, text, length, declarations, reterr) : kind;
}

static int is_wanted(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && ending != NULL &&
           (strcmp(ending, ".yaml") == 0 || strcmp(ending, ".yml") == 0 || strcmp(ending, ".json") == 0);
}

static enum err_kind read_directory(struct arena *arena, const char *name, struct declarations *declarations,
                                    struct err *reterr)
{
    struct dirent **entries = NULL;
    int count = scandir(name, &entries, is_wanted, alphasort);
    if (count < 0)
        return err_set(reterr, ERR_MALFORMED, "cannot read '%s': %s", name, strerrordesc_np(errno));
    enum err_kind kind = ERR_NONE;
    if (count == 0)
        kind = err_set(reterr, ERR_MALFORMED, "'%s' has no file *.yaml, *.yml or *.json", name);
    for (int i = 0; i < count; i++) {
        if (kind == ERR_NONE)
            kind = read_file(arena, arena_format(arena, "%s/%s", name, entries[i]->d_name), declarations, reterr);
        free(entries[i]);
    }
    free(entries);
    return kind;
}

enum err_kind apply_files_read(struct arena *arena, const char *name, struct declarations *declarations,
                               struct err *reterr)
{
    struct stat status;
    bool is_directory = strcmp(name, "-") != 0 && stat(name, &status) == 0 && S_ISDIR(status.st_mode);
    return is_directory ? read_directory(arena, name, declarations, reterr)
                        : read_file(arena, name, declarations, reterr);
}
