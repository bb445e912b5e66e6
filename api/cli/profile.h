/* Profiles: where an API is and the token for it, kept in one file that only its owner can read.
 *
 * <directory>/profiles is a JSON object: {"default": {"url": "...", "token": "..."}, "in use": "default"}, where the last
 * is no name of a profile; the directory is $XDG_CONFIG_HOME/sluice or ~/.config/sluice. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <jansson.h>

struct arena;

struct profile {
    const char *url;
    const char *token; /* a secret */
};

/* The directory for these values of XDG_CONFIG_HOME and HOME (NULL: not set). XDG_CONFIG_HOME counts only if it is an
 * absolute path, as its specification says. ERR_INVALID where neither tells. */
MUST_CHECK enum err_kind profile_directory(struct arena *arena, const char *xdg_config_home, const char *home,
                                           const char **ret, struct err *reterr);

/* A name of a profile: 1 to 64 letters, digits, '.', '_' and '-'. */
bool profile_name_is_valid(const char *name);
/* Could it be a token? Such text is safe in a header; only the API knows whether it is one. */
bool profile_token_is_valid(const char *token);

/* ERR_NOT_FOUND where there is no such file or profile. ERR_FORBIDDEN for a file that is not ours, is no plain file,
 * or that others can read: it is not read then. The texts are the arena's. */
MUST_CHECK enum err_kind profile_load(struct arena *arena, const char *directory, const char *name, struct profile *ret,
                                      struct err *reterr);

/* The name of the profile in use; NULL where there is none, or no file. *ret is the arena's. */
MUST_CHECK enum err_kind profile_in_use(struct arena *arena, const char *directory, const char **ret,
                                        struct err *reterr);
/* All of them by name, without their tokens: [{"name", "url", "in_use"}]; none where there is no file. *ret is the caller's. */
MUST_CHECK enum err_kind profile_list(struct arena *arena, const char *directory, json_t **ret, struct err *reterr);

/* Adds or replaces one profile; others stay. The directory is made with mode 0700, the file is replaced as a whole
 * with mode 0600, one process at a time. */
MUST_CHECK enum err_kind profile_store(struct arena *arena, const char *directory, const char *name,
                                       const struct profile *profile, struct err *reterr);
/* The one that is taken where nothing names another. ERR_NOT_FOUND. */
MUST_CHECK enum err_kind profile_use(struct arena *arena, const char *directory, const char *name, struct err *reterr);
/* Its address and token go. ERR_NOT_FOUND. */
MUST_CHECK enum err_kind profile_delete(struct arena *arena, const char *directory, const char *name,
                                        struct err *reterr);
