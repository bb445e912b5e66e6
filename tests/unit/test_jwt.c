/* JSON Web Tokens: the RFCs' own, what is refused, whom claims fit, and whom rules mean. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/jwt/claims.h"
#include "api/jwt/jwks.h"
#include "api/jwt/rules.h"
#include "common/base64url.h"
#include "common/must.h"
#include "tests/unit/suite.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define CLAIMS_PART "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

/* RFC 7515, A.2 and A.3; RFC 8037, A.4, whose content is no JSON. */
static const char rs256[] =
    "eyJhbGciOiJSUzI1NiJ9." CLAIMS_PART "."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t"
    "1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12j"
    "zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ"
    "Ge77Rw";
static const char es256[] = "eyJhbGciOiJFUzI1NiJ9." CLAIMS_PART
                            ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
static const char eddsa_signed[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
static const char eddsa_signature[] =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

#define RSA_KEY                                                                                                        \
    "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"     \
    "4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z" \
    "5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAc" \
    "o9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\""
#define EC_KEY                                                                                                         \
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                          \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define OKP_KEY   "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define SET(keys) "{\"keys\":[" keys "]}"
#define KEY(key)  "{" key "}"

static struct jwks *keys_of(const char *text)
{
    struct jwks *keys = NULL;
    struct err err = {0};
    ck_assert_msg(jwks_parse(text, strlen(text), &keys, &err) == ERR_NONE, "%s: %s", text, err.text);
    return keys;
}

static bool has_keys(const char *text)
{
    struct jwks *keys = NULL;
    bool has = jwks_parse(text, strlen(text), &keys, NULL) == ERR_NONE;
    jwks_free(keys);
    return has;
}

static enum jwks_verdict verdict(const struct jwks *keys, const char *text)
{
    struct jwt jwt;
    struct err err = {0};
    ck_assert_msg(jwt_parse(text, &jwt, &err) == ERR_NONE, "%s", err.text);
    enum jwks_verdict found = jwks_verify(keys, &jwt);
    jwt_clear(&jwt);
    return found;
}

/* ---- Signatures ---- */

START_TEST(the_rfcs_own_tokens_are_signed)
{
    struct jwks *keys = keys_of(SET(KEY(RSA_KEY) "," KEY(EC_KEY) "," KEY(OKP_KEY)));
    ck_assert_int_eq(verdict(keys, rs256), JWKS_SIGNED);
    ck_assert_int_eq(verdict(keys, es256), JWKS_SIGNED);
    struct jwt jwt = {.algorithm = JWT_EDDSA, .text = eddsa_signed, .signed_length = strlen(eddsa_signed)};
    ck_assert(base64url_read(eddsa_signature, strlen(eddsa_signature), jwt.signature, &jwt.signature_size));
    ck_assert_int_eq(jwks_verify(keys, &jwt), JWKS_SIGNED);
    jwt.signature[0] ^= 1;
    ck_assert_int_eq(jwks_verify(keys, &jwt), JWKS_FORGED);
    jwt.signature[0] ^= 1;
    jwt.signed_length--;
    ck_assert_int_eq(jwks_verify(keys, &jwt), JWKS_FORGED);
    jwks_free(keys);
}
END_TEST

START_TEST(each_changed_character_is_a_forgery)
{
    struct jwks *keys = keys_of(SET(KEY(EC_KEY)));
    char text[sizeof es256];
    for (size_t i = strlen("eyJhbGciOiJFUzI1NiJ9."); i < strlen(es256); i++) {
        memcpy(text, es256, sizeof text);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        struct jwt jwt;
        if (text[i] == es256[i] || jwt_parse(text, &jwt, NULL) != ERR_NONE) {
            jwt_clear(&jwt);
            continue;
        }
        ck_assert_msg(jwks_verify(keys, &jwt) == JWKS_FORGED, "character %zu", i);
        jwt_clear(&jwt);
    }
    jwks_free(keys);
}
END_TEST

START_TEST(a_key_is_of_one_algorithm_and_a_token_chooses_by_name_only)
{
    struct jwks *ec = keys_of(SET(KEY(EC_KEY ",\"kid\":\"a\"")));
    ck_assert_int_eq(verdict(ec, rs256), JWKS_UNKNOWN_KEY);
    ck_assert_int_eq(verdict(ec, es256), JWKS_SIGNED); /* it names none, and there is one of its kind */
    jwks_free(ec);
    struct jwks *two = keys_of(SET(KEY(EC_KEY ",\"kid\":\"a\"") "," KEY(EC_KEY ",\"kid\":\"b\"")));
    ck_assert_int_eq(verdict(two, es256), JWKS_UNKNOWN_KEY); /* which of the two is not guessed */
    jwks_free(two);
    ck_assert(!has_keys(SET(KEY(EC_KEY ",\"alg\":\"RS256\""))));
    ck_assert(!has_keys(SET(KEY(EC_KEY ",\"use\":\"enc\""))));
    ck_assert(has_keys(SET(KEY(EC_KEY ",\"use\":\"sig\",\"alg\":\"ES256\""))));
}
END_TEST

START_TEST(keys_that_are_none_are_left_out)
{
    static const char *const none[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":{}}",
        SET(""),
        SET("1"),
        SET(KEY("\"kty\":\"oct\",\"k\":\"AAAA\"")),
        SET(KEY("\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgW\"")), /* 24 bits */
        SET(KEY("\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"")),
        SET(KEY("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"")), /* no point of the curve */
        SET(KEY("\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"")),
        SET(KEY("\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ\"")),
    };
    for (size_t i = 0; i < COUNT_OF(none); i++)
        ck_assert_msg(!has_keys(none[i]), "%s", none[i]);
}
END_TEST

/* ---- Reading ---- */

static void encode(const char *json, char *ret)
{
    base64url_print((const uint8_t *)json, strlen(json), ret);
}

static bool reads(const char *header, const char *claims)
{
    char text[4096], first[2048], second[1024];
    struct jwt jwt;
    struct err err = {0};
    encode(header, first);
    encode(claims, second);
    must(snprintf(text, sizeof text, "%s.%s.AAAA", first, second) < (int)sizeof text);
    bool fine = jwt_parse(text, &jwt, &err) == ERR_NONE;
    ck_assert_str_eq(err.code, fine ? "" : "jwt_refused");
    jwt_clear(&jwt);
    return fine;
}

START_TEST(what_could_be_read_in_two_ways_is_refused)
{
    ck_assert(reads("{\"alg\":\"ES256\"}", "{}"));
    ck_assert(reads("{\"alg\":\"EdDSA\",\"typ\":\"jwt\",\"kid\":\"k\",\"jku\":\"https://evil.example\"}", "{}"));
    ck_assert(reads("{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", "{}"));
    static const char *const headers[] = {
        "{}",
        "[]",
        "",
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"HS256\"}",
        "{\"alg\":\"rs256\"}",
        "{\"alg\":\"RS384\"}",
        "{\"alg\":1}",
        "{\"alg\":\"ES256\",\"alg\":\"none\"}",
        "{\"alg\":\"ES256\\u0000\"}",
        "{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}",
        "{\"alg\":\"ES256\",\"typ\":\"logout+jwt\"}",
        "{\"alg\":\"ES256\",\"typ\":1}",
        "{\"alg\":\"ES256\",\"kid\":7}",
        "{\"alg\":\"ES256\"} x",
    };
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        ck_assert_msg(!reads(headers[i], "{}"), "%s", headers[i]);
    static const char *const claims[] = {"", "[]", "1", "{\"a\":1,\"a\":2}", "{"};
    for (size_t i = 0; i < COUNT_OF(claims); i++)
        ck_assert_msg(!reads("{\"alg\":\"ES256\"}", claims[i]), "%s", claims[i]);
}
END_TEST

START_TEST(a_token_has_three_parts_of_one_spelling)
{
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        "eyJhbGciOiJFUzI1NiJ9.e30.",
        "eyJhbGciOiJFUzI1NiJ9.e30.A",
        "eyJhbGciOiJFUzI1NiJ9.e30.AB",
        "eyJhbGciOiJFUzI1NiJ9.e30=.AAAA",
        "eyJhbGciOiJFUzI1NiJ9.e30.AA+A",
        "eyJhbGciOiJFUzI1NiJ9.e30.AAAA\n",
        " eyJhbGciOiJFUzI1NiJ9.e30.AAAA",
    };
    struct jwt jwt;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        ck_assert_msg(jwt_parse(texts[i], &jwt, NULL) == ERR_UNAUTHENTICATED, "%s", texts[i]);
    char long_text[JWT_TEXT_MAX + 2];
    memset(long_text, 'A', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    ck_assert_int_eq(jwt_parse(long_text, &jwt, NULL), ERR_UNAUTHENTICATED);
    ck_assert(jwt_has_form(es256));
    ck_assert(!jwt_has_form("slu_u_01jrzm4zzz7zzz8zzzzzzzzzzz_0"));
}
END_TEST

/* ---- Claims ---- */

static const struct claims_wanted wanted = {
    .issuer = "https://id.example", .audience = "sluice", .now_s = 1000000, .skew_s = 60, .lifetime_max_s = 3600};

static const char *refusal(const char *text, const char *nonce)
{
    static struct err err;
    struct claims_wanted of = wanted;
    of.nonce = nonce;
    json_t *claims = json_loads(text, 0, NULL);
    int64_t expires_at_s = 0;
    err = (struct err){0};
    enum err_kind kind = claims_check(claims, &of, &expires_at_s, &err);
    ck_assert(kind == ERR_NONE || kind == ERR_UNAUTHENTICATED);
    ck_assert((kind == ERR_NONE) == (expires_at_s != 0));
    json_decref(claims);
    return err.code;
}

#define FROM     "\"iss\":\"https://id.example\","
#define FOR      "\"aud\":\"sluice\","
#define GOOD_FOR "\"iat\":999900,\"exp\":1000100"

START_TEST(a_token_is_of_its_issuer_for_us_and_for_now)
{
    static const struct {
        const char *claims, *code;
    } cases[] = {
        {"{" FROM FOR GOOD_FOR "}", ""},
        {"{" FROM "\"aud\":[\"other\",\"sluice\"]," GOOD_FOR "}", ""},
        {"{" FROM FOR "\"iat\":999900.5,\"exp\":1000100.9,\"nbf\":1000060}", ""},
        {"{" FROM FOR "\"iat\":1000060,\"exp\":1000100}", ""}, /* within the skew */
        {"{" FROM FOR "\"iat\":999000,\"exp\":999941}", ""},
        {"{" FROM FOR "\"iat\":999000,\"exp\":999940}", "token_expired"},
        {"{" FOR GOOD_FOR "}", "jwt_refused"},
        {"{\"iss\":\"https://id.example/\"," FOR GOOD_FOR "}", "jwt_refused"},
        {"{\"iss\":\"https://id.example\\u0000\"," FOR GOOD_FOR "}", "jwt_refused"},
        {"{" FROM GOOD_FOR "}", "jwt_refused"},
        {"{" FROM "\"aud\":\"Sluice\"," GOOD_FOR "}", "jwt_refused"},
        {"{" FROM "\"aud\":[]," GOOD_FOR "}", "jwt_refused"},
        {"{" FROM "\"aud\":{\"sluice\":1}," GOOD_FOR "}", "jwt_refused"},
        {"{" FROM FOR "\"iat\":999900}", "jwt_refused"},
        {"{" FROM FOR "\"exp\":1000100}", "jwt_refused"},
        {"{" FROM FOR "\"iat\":\"999900\",\"exp\":1000100}", "jwt_refused"},
        {"{" FROM FOR "\"iat\":999900,\"exp\":1e300}", "jwt_refused"},
        {"{" FROM FOR "\"iat\":999900,\"exp\":-1}", "jwt_refused"},
        {"{" FROM FOR "\"iat\":1000061,\"exp\":1000100}", "jwt_refused"},
        {"{" FROM FOR GOOD_FOR ",\"nbf\":1000061}", "jwt_refused"},
        {"{" FROM FOR GOOD_FOR ",\"nbf\":\"now\"}", "jwt_refused"},
        {"{" FROM FOR "\"iat\":999900,\"exp\":1003501}", "jwt_refused"}, /* longer than an hour */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ck_assert_msg(strcmp(refusal(cases[i].claims, NULL), cases[i].code) == 0, "%s", cases[i].claims);
}
END_TEST

START_TEST(a_sign_in_is_of_its_browser_and_client)
{
    ck_assert_str_eq(refusal("{" FROM FOR GOOD_FOR ",\"nonce\":\"n\"}", "n"), "");
    ck_assert_str_eq(refusal("{" FROM FOR GOOD_FOR ",\"nonce\":\"n\",\"azp\":\"sluice\"}", "n"), "");
    static const char *const refused[] = {
        "{" FROM FOR GOOD_FOR "}",
        "{" FROM FOR GOOD_FOR ",\"nonce\":\"m\"}",
        "{" FROM FOR GOOD_FOR ",\"nonce\":\"n\\u0000\"}",
        "{" FROM FOR GOOD_FOR ",\"nonce\":[\"n\"]}",
        "{" FROM FOR GOOD_FOR ",\"nonce\":\"n\",\"azp\":\"other\"}",
        /* for several, given to nobody named */
        "{" FROM "\"aud\":[\"other\",\"sluice\"]," GOOD_FOR ",\"nonce\":\"n\"}",
        "{" FROM "\"aud\":[\"other\",\"sluice\"]," GOOD_FOR ",\"nonce\":\"n\",\"azp\":\"other\"}",
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        ck_assert_msg(strcmp(refusal(refused[i], "n"), "jwt_refused") == 0, "%s", refused[i]);
}
END_TEST

/* ---- Rules ---- */

static const char *role_for(const struct rules *rules, const char *text)
{
    json_t *claims = json_loads(text, 0, NULL);
    const struct rule *rule = rules_find(rules, claims);
    json_decref(claims);
    return rule == NULL ? "nobody" : role_text(rule->role);
}

START_TEST(the_first_rule_that_fits_says_who_it_is)
{
    struct rules *rules = NULL;
    struct err err = {0};
    ck_assert_msg(rules_parse("# who is who\n\n"
                              "groups ops\toperator -  # the provider's\n"
                              "groups acme-ml member acme\r\n"
                              "email ana@acme.example admin acme\n"
                              "/realm_access/roles  money finance -\n"
                              "/email bob@acme.example viewer acme",
                              RULES_OF_PEOPLE, &rules, &err) == ERR_NONE,
                  "%s", err.text);
    ck_assert_str_eq(role_for(rules, "{\"groups\":[\"acme-ml\",\"ops\"]}"), "operator");
    ck_assert_str_eq(role_for(rules, "{\"groups\":\"acme-ml\"}"), "member");
    ck_assert_str_eq(role_for(rules, "{\"groups\":[\"acme-ml2\"]}"), "nobody");
    ck_assert_str_eq(role_for(rules, "{\"email\":\"ana@acme.example\",\"email_verified\":true}"), "admin");
    ck_assert_str_eq(role_for(rules, "{\"email\":\"ana@acme.example\",\"email_verified\":\"true\"}"), "nobody");
    ck_assert_str_eq(role_for(rules, "{\"email\":\"ana@acme.example\"}"), "nobody");
    ck_assert_str_eq(role_for(rules, "{\"email\":\"bob@acme.example\"}"), "nobody");
    ck_assert_str_eq(role_for(rules, "{\"realm_access\":{\"roles\":[\"money\"]}}"), "finance");
    ck_assert_str_eq(role_for(rules, "{\"/realm_access/roles\":[\"money\"]}"), "nobody");
    ck_assert_str_eq(role_for(rules, "{}"), "nobody");
    rules_free(rules);
}
END_TEST

START_TEST(a_rule_that_is_none_stops_the_start)
{
    static const char *const people[] = {
        "",
        "# nothing\n",
        "groups ops operator",
        "groups ops operator - more",
        "groups ops king -",
        "groups ops agent -",
        "groups ops operator acme",
        "groups ops member -",
    };
    struct rules *rules = NULL;
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(people); i++)
        ck_assert_msg(rules_parse(people[i], RULES_OF_PEOPLE, &rules, &err) == ERR_INVALID, "%s", people[i]);
    ck_assert_int_eq(rules_parse("sub a member acme", RULES_OF_WORKLOADS, &rules, &err), ERR_INVALID);
    ck_assert_int_eq(rules_parse("sub a member acme ci", RULES_OF_WORKLOADS, &rules, &err), ERR_NONE);
    rules_free(rules);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("jwt");
    tcase_add_test(tests, the_rfcs_own_tokens_are_signed);
    tcase_add_test(tests, each_changed_character_is_a_forgery);
    tcase_add_test(tests, a_key_is_of_one_algorithm_and_a_token_chooses_by_name_only);
    tcase_add_test(tests, keys_that_are_none_are_left_out);
    tcase_add_test(tests, what_could_be_read_in_two_ways_is_refused);
    tcase_add_test(tests, a_token_has_three_parts_of_one_spelling);
    tcase_add_test(tests, a_token_is_of_its_issuer_for_us_and_for_now);
    tcase_add_test(tests, a_sign_in_is_of_its_browser_and_client);
    tcase_add_test(tests, the_first_rule_that_fits_says_who_it_is);
    tcase_add_test(tests, a_rule_that_is_none_stops_the_start);
    Suite *suite = suite_create("jwt");
    suite_add_tcase(suite, tests);
    return suite;
}
