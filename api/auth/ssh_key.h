/* SSH public keys as people have them in id_ed25519.pub and authorized_keys: "type base64 comment", one line, no
 * options.
 *
 * The base64 is the blob of RFC 4253, 6.6 (RSA), RFC 5656, 3.1 (ECDSA), RFC 8709, 4 (Ed25519), or OpenSSH's
 * PROTOCOL.u2f (keys in hardware); its points are looked at by OpenSSL. Keys that OpenSSH no longer takes (DSA, RSA
 * below 2048 bits) are refused here too. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#define SSH_KEY_TEXT_MAX         8192
#define SSH_KEY_FINGERPRINT_SIZE 51 /* "SHA256:", 43 characters of base64 without padding, 0 */

struct ssh_key {
    const char *type; /* "ssh-ed25519" */
    int bits;         /* 256, or those of the RSA modulus */
    char fingerprint[SSH_KEY_FINGERPRINT_SIZE];
};

/* ERR_INVALID where the text is not exactly one public key; the text says what is wrong with it. */
MUST_CHECK enum err_kind ssh_key_parse(const char *text, struct ssh_key *ret, struct err *reterr);
