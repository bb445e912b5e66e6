/* The profile file. It is written aside and renamed, so that a crash leaves the old one; a lock on the directory keeps
 * two logins from losing one another's profile. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/profile.h"

#include "api/cli/text.h"
#include "common/arena.h"
#include "common/must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME        "profiles"
#define FILE_NAME_NEW    "profiles.new"
#define IN_USE           "in use" /* beside the profiles, whose names have no space */
#define FILE_BYTES_MAX   1048576
#define NAME_LENGTH_MAX  64
#define TOKEN_LENGTH_MAX 512

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* what was written is synced before */
}

static enum err_kind failed(struct err *reterr, const char *doing, const char *path)
{
    return err_set(reterr, ERR_INTERNAL, "cannot %s '%s': %s", doing, path, strerrordesc_np(errno));
}

enum err_kind profile_directory(struct arena *arena, const char *xdg_config_home, const char *home, const char **ret,
                                struct err *reterr)
{
    if (xdg_config_home != NULL && xdg_config_home[0] == '/')
        *ret = arena_format(arena, "%s/sluice", xdg_config_home);
    else if (home != NULL && home[0] == '/')
        *ret = arena_format(arena, "%s/.config/sluice", home);
    else
        return err_set(reterr, ERR_INVALID, "neither XDG_CONFIG_HOME nor HOME says where profiles are");
    return ERR_NONE;
}

static bool consists_of(const char *text, size_t length_max, const char *allowed)
{
    size_t length = strspn(text, allowed);
    return length > 0 && length <= length_max && text[length] == '\0';
}

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

bool profile_name_is_valid(const char *name)
{
    return consists_of(name, NAME_LENGTH_MAX, LETTERS_AND_DIGITS "._-");
}

bool profile_token_is_valid(const char *token)
{
    return consists_of(token, TOKEN_LENGTH_MAX, LETTERS_AND_DIGITS "_-");
}

static const char *file_of(struct arena *arena, const char *directory)
{
    return arena_format(arena, "%s/" FILE_NAME, directory);
}

/* ---- Reading ---- */

static enum err_kind check_private(int fd, const char *path, struct err *reterr)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return failed(reterr, "look at", path);
    if (!S_ISREG(status.st_mode))
        return err_set(reterr, ERR_FORBIDDEN, "'%s' must be a plain file", path);
    if (status.st_uid != geteuid())
        return err_set(reterr, ERR_FORBIDDEN, "'%s' must be your own, and belongs to another user", path);
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        enum err_kind kind = err_set(reterr, ERR_FORBIDDEN, "'%s' holds tokens and others can read it (mode %04o)",
                                     path, (unsigned)status.st_mode & 07777U);
        if (reterr != NULL)
            (void)snprintf(reterr->hint, sizeof reterr->hint, "Run 'chmod 600 %s'; others may know the tokens.", path);
        return kind;
    }
    if (status.st_size > FILE_BYTES_MAX)
        return err_set(reterr, ERR_INVALID, "'%s' is larger than any file of profiles: is it one?", path);
    return ERR_NONE;
}

/* Sets *ret to the object of all profiles. */
static enum err_kind read_file(int directory_fd, const char *path, json_t **ret, struct err *reterr)
{
    CLEANUP(close_fd) int fd = openat(directory_fd, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return err_set(reterr, ERR_NOT_FOUND, "there is no file '%s'", path);
    if (fd < 0)
        return failed(reterr, "open", path);
    enum err_kind kind = check_private(fd, path, reterr);
    if (kind != ERR_NONE)
        return kind;
    json_error_t error;
    json_t *found = json_loadfd(fd, JSON_REJECT_DUPLICATES, &error);
    if (found == NULL)
        return err_set(reterr, ERR_INVALID, "'%s', line %d: %s", path, error.line, error.text);
    if (!json_is_object(found)) {
        json_decref(found);
        return err_set(reterr, ERR_INVALID, "'%s' holds no profiles: move it away and run 'sluice login'", path);
    }
    *ret = found;
    return ERR_NONE;
}

static enum err_kind read_all(const char *directory, const char *path, json_t **ret, struct err *reterr)
{
    CLEANUP(close_fd) int directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd < 0 && errno == ENOENT)
        return err_set(reterr, ERR_NOT_FOUND, "there is no file '%s'", path);
    if (directory_fd < 0)
        return failed(reterr, "open", directory);
    return read_file(directory_fd, path, ret, reterr);
}

static enum err_kind no_profile(struct err *reterr, const char *name, const char *path)
{
    return err_set(reterr, ERR_NOT_FOUND, "there is no profile '%s' in '%s'", name, path);
}

enum err_kind profile_load(struct arena *arena, const char *directory, const char *name, struct profile *ret,
                           struct err *reterr)
{
    const char *path = file_of(arena, directory);
    CLEANUP(json_release) json_t *all = NULL;
    enum err_kind kind = read_all(directory, path, &all, reterr);
    if (kind != ERR_NONE)
        return kind;
    const json_t *profile = json_object_get(all, name);
    if (profile == NULL)
        return no_profile(reterr, name, path);
    const char *url = json_text_at(profile, "url");
    const char *token = json_text_at(profile, "token");
    if (url == NULL || token == NULL || !profile_token_is_valid(token))
        return err_set(reterr, ERR_INVALID, "profile '%s' in '%s' has no url or no token: run 'sluice login'", name,
                       path);
    *ret = (struct profile){.url = arena_text(arena, url), .token = arena_text(arena, token)};
    return ERR_NONE;
}

enum err_kind profile_in_use(struct arena *arena, const char *directory, const char **ret, struct err *reterr)
{
    CLEANUP(json_release) json_t *all = NULL;
    enum err_kind kind = read_all(directory, file_of(arena, directory), &all, reterr);
    const char *name = json_text_at(all, IN_USE);
    *ret = name == NULL || !profile_name_is_valid(name) ? NULL : arena_text(arena, name);
    return kind == ERR_NOT_FOUND ? ERR_NONE : kind;
}

enum err_kind profile_list(struct arena *arena, const char *directory, json_t **ret, struct err *reterr)
{
    CLEANUP(json_release) json_t *all = NULL;
    CLEANUP(json_release) json_t *list = json_array();
    must(list != NULL);
    enum err_kind kind = read_all(directory, file_of(arena, directory), &all, reterr);
    if (kind != ERR_NONE && kind != ERR_NOT_FOUND)
        return kind;
    const char *in_use = json_text_at(all, IN_USE);
    const char *name = NULL;
    json_t *profile = NULL;
    json_object_foreach(all, name, profile)
    {
        if (!profile_name_is_valid(name))
            continue;
        bool is_in_use = in_use != NULL && strcmp(in_use, name) == 0;
        json_t *entry =
            json_pack("{s:s, s:s?, s:b}", "name", name, "url", json_text_at(profile, "url"), "in_use", is_in_use);
        must(entry != NULL && json_array_append_new(list, entry) == 0);
    }
    *ret = TAKE(list);
    return ERR_NONE;
}

/* ---- Writing ---- */

/* Makes the directory and what is above it, as far as missing. */
static enum err_kind make_directory(struct arena *arena, const char *directory, struct err *reterr)
{
    char *path = arena_text(arena, directory);
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST)
            return failed(reterr, "make", path);
        *at = '/';
    }
    if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST)
        return failed(reterr, "make", path);
    return ERR_NONE;
}

static bool write_whole(int fd, const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return fsync(fd) == 0;
}

static enum err_kind replace_file(int directory_fd, const char *path, const json_t *all, struct err *reterr)
{
    CLEANUP(text_freep) char *text = json_dumps(all, JSON_INDENT(2));
    must(text != NULL);
    (void)unlinkat(directory_fd, FILE_NAME_NEW, 0); /* what a crash left; usually nothing */
    CLEANUP(close_fd)
    int fd =
        openat(directory_fd, FILE_NAME_NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    bool done = fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write_whole(fd, text) &&
                renameat(directory_fd, FILE_NAME_NEW, directory_fd, FILE_NAME) == 0 && fsync(directory_fd) == 0;
    enum err_kind kind = done ? ERR_NONE : failed(reterr, "write", path);
    explicit_bzero(text, strlen(text));
    return kind;
}

/* False where the profile is not there. */
typedef bool change_of_profiles(json_t *all, const char *name, const struct profile *profile);

/* Reads, changes and replaces the file, alone. */
static enum err_kind change_file(struct arena *arena, const char *directory, change_of_profiles *change,
                                 const char *name, const struct profile *profile, struct err *reterr)
{
    const char *path = file_of(arena, directory);
    CLEANUP(json_release) json_t *all = NULL;
    CLEANUP(close_fd) int directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd < 0 && errno == ENOENT)
        return no_profile(reterr, name, path);
    if (directory_fd < 0 || flock(directory_fd, LOCK_EX) != 0)
        return failed(reterr, "open", directory);
    enum err_kind kind = read_file(directory_fd, path, &all, reterr);
    if (kind == ERR_NOT_FOUND)
        all = json_object();
    else if (kind != ERR_NONE)
        return kind;
    must(all != NULL);
    return change(all, name, profile) ? replace_file(directory_fd, path, all, reterr) : no_profile(reterr, name, path);
}

static bool add_profile(json_t *all, const char *name, const struct profile *profile)
{
    json_t *entry = json_pack("{s:s, s:s}", "url", profile->url, "token", profile->token);
    must(entry != NULL && json_object_set_new(all, name, entry) == 0);
    return true;
}

enum err_kind profile_store(struct arena *arena, const char *directory, const char *name, const struct profile *profile,
                            struct err *reterr)
{
    must(profile_name_is_valid(name) && profile_token_is_valid(profile->token));
    enum err_kind kind = make_directory(arena, directory, reterr);
    return kind == ERR_NONE ? change_file(arena, directory, add_profile, name, profile, reterr) : kind;
}

static bool use_profile(json_t *all, const char *name, const struct profile *ignored)
{
    (void)ignored;
    return json_object_get(all, name) != NULL && json_object_set_new(all, IN_USE, json_string(name)) == 0;
}

enum err_kind profile_use(struct arena *arena, const char *directory, const char *name, struct err *reterr)
{
    must(profile_name_is_valid(name));
    return change_file(arena, directory, use_profile, name, NULL, reterr);
}

static bool delete_profile(json_t *all, const char *name, const struct profile *ignored)
{
    (void)ignored;
    const char *in_use = json_text_at(all, IN_USE);
    if (in_use != NULL && strcmp(in_use, name) == 0)
        (void)json_object_del(all, IN_USE);
    return json_object_del(all, name) == 0;
}

enum err_kind profile_delete(struct arena *arena, const char *directory, const char *name, struct err *reterr)
{
    must(profile_name_is_valid(name));
    return change_file(arena, directory, delete_profile, name, NULL, reterr);
}
