/* The prompt for a token. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/token_input.h"

#include "api/cli/profile.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Reads up to the end of the line, byte by byte: what follows is not ours. */
static bool read_line(char *ret, size_t size)
{
    size_t length = 0;
    while (length + 1 < size) {
        ssize_t got = read(STDIN_FILENO, ret + length, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0 || ret[length] == '\n')
            break;
        length++;
    }
    ret[length] = '\0';
    return length + 1 < size;
}

static void trim(char *text)
{
    size_t before = 0;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    while (isspace((unsigned char)text[before]))
        before++;
    memmove(text, text + before, length - before + 1);
}

/* A signal during the prompt ends the process; the shell sets its terminal right again. */
static bool read_without_echo(FILE *prompt, char *ret, size_t size)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return read_line(ret, size);
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fputs("Token: ", prompt);
    (void)fflush(prompt);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0)
        return false;
    bool done = read_line(ret, size);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before); /* there is nothing else to try */
    fputc('\n', prompt);
    return done;
}

enum err_kind token_input_read(FILE *prompt, char ret[static TOKEN_INPUT_SIZE], struct err *reterr)
{
    bool done =
        isatty(STDIN_FILENO) ? read_without_echo(prompt, ret, TOKEN_INPUT_SIZE) : read_line(ret, TOKEN_INPUT_SIZE);
    if (!done)
        return err_set(reterr, ERR_UNAUTHENTICATED, "there is no token on standard input");
    trim(ret);
    if (!profile_token_is_valid(ret))
        return err_set(reterr, ERR_UNAUTHENTICATED,
                       "standard input does not begin with a token: one looks like slu_...");
    return ERR_NONE;
}
