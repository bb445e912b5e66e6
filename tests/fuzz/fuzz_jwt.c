/* Whatever text comes as a JSON Web Token, and whatever an issuer says of its keys and itself: it is refused with a
 * reason, or what was read of it is what is signed. No token is signed by the keys of RFC 7515 and 8037 but theirs, and
 * a set of keys verifies nothing of the token that it came with. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/issuer/discovery.h"
#include "api/jwt/claims.h"
#include "api/jwt/jwks.h"
#include "api/jwt/rules.h"
#include "tests/fuzz/fuzz.h"

#include <strings.h>

static const char known[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
static const char signed_by_known[] =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";

static void read_token(const struct jwks *keys, const char *text)
{
    struct err err = {0};
    struct jwt jwt;
    if (jwt_parse(text, &jwt, &err) != ERR_NONE) {
        must(err.kind == ERR_UNAUTHENTICATED && err.text[0] != '\0');
        jwt_clear(&jwt);
        return;
    }
    must(json_is_object(jwt.claims) && jwt.signed_length < strlen(text) && text[jwt.signed_length] == '.');
    must(jwt.algorithm < JWT_ALGORITHM_COUNT && jwt.signature_size <= sizeof jwt.signature);
    bool is_theirs =
        jwt.signed_length == strlen(signed_by_known) && memcmp(text, signed_by_known, jwt.signed_length) == 0;
    must(jwks_verify(keys, &jwt) != JWKS_SIGNED || is_theirs);
    const struct claims_wanted wanted = {
        .issuer = "i", .audience = "a", .nonce = "n", .now_s = 1000, .skew_s = 60, .lifetime_max_s = 3600};
    int64_t expires_at_s = -1;
    if (claims_check(jwt.claims, &wanted, &expires_at_s, &err) == ERR_NONE)
        must(expires_at_s > 940 && expires_at_s <= 1060 + 3600);
    (void)claims_have(jwt.claims, "/a/b", "c");
    jwt_clear(&jwt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jwks *keys;
    if (keys == NULL)
        must(jwks_parse(known, strlen(known), &keys, NULL) == ERR_NONE);
    CLEANUP(text_freep) char *text = input_text(data, size);
    read_token(keys, text);
    struct jwks *given = NULL;
    if (jwks_parse(text, strlen(text), &given, NULL) == ERR_NONE)
        read_token(given, signed_by_known);
    jwks_free(given);
    struct discovery discovery;
    struct err err = {0};
    if (discovery_parse(text, "https://i.example", &discovery, &err) == ERR_NONE)
        must(strncasecmp(discovery.jwks_uri, "https:", 6) == 0); /* libcurl takes one slash, and capitals */
    struct rules *rules = NULL;
    if (rules_parse(text, RULES_OF_PEOPLE, &rules, &err) != ERR_NONE)
        must(err.text[0] != '\0');
    rules_free(rules);
    return 0;
}
