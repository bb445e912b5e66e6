"""A small OpenID Connect provider for tests: real HTTP(S), keys of each algorithm, rotation, and every way of being wrong.

It signs anybody in at once, as whom `subject` says. What it does wrong, `wrong` says: a name of MISDEEDS, or None."""
# SPDX-License-Identifier: Apache-2.0

import base64
import hashlib
import hmac
import http.server
import json
import secrets
import ssl
import subprocess
import threading
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

# What is wrong with a token, or with the provider. Of a token each is refused; of the provider, it cannot be asked.
OF_TOKEN = ("iss", "aud", "nonce", "azp", "kid", "none", "confusion", "expired", "future", "long_lived", "signature", "other_algorithm")
OF_PROVIDER = ("huge_keys", "slow_keys", "redirect_keys", "other_issuer")
LIFETIME_S = 600
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)  # slow to make: one is enough


def b64(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def number(value, size):
    return b64(value.to_bytes(size, "big"))


def part(value):
    return b64(json.dumps(value).encode())


class Key:
    def __init__(self, algorithm):
        self.algorithm, self.kid = algorithm, f"{algorithm}-{secrets.token_hex(8)}"
        makers = {"RS256": lambda: RSA_KEY, "ES256": lambda: ec.generate_private_key(ec.SECP256R1()), "EdDSA": ed25519.Ed25519PrivateKey.generate}
        self.private = makers[algorithm]()

    def public(self):
        """As a JSON Web Key."""
        public = self.private.public_key()
        named = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        if self.algorithm == "RS256":
            numbers = public.public_numbers()
            return {**named, "kty": "RSA", "n": number(numbers.n, 256), "e": number(numbers.e, 3)}
        if self.algorithm == "ES256":
            numbers = public.public_numbers()
            return {**named, "kty": "EC", "crv": "P-256", "x": number(numbers.x, 32), "y": number(numbers.y, 32)}
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {**named, "kty": "OKP", "crv": "Ed25519", "x": b64(raw)}

    def sign(self, content):
        if self.algorithm == "RS256":
            return self.private.sign(content, padding.PKCS1v15(), hashes.SHA256())
        if self.algorithm == "ES256":
            pair = decode_dss_signature(self.private.sign(content, ec.ECDSA(hashes.SHA256())))
            return b"".join(each.to_bytes(32, "big") for each in pair)
        return self.private.sign(content)

    def pem(self):
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def make_certificate(directory):
    """A key and a certificate for localhost that it signed itself. Returns the file (PEM) that holds both."""
    made = directory / "issuer.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", made, "-out", directory / "issuer.crt"],
                   check=True, capture_output=True)
    made.write_text(made.read_text() + (directory / "issuer.crt").read_text())
    return made


class Issuer:
    """certificate: a file (PEM) with its key and certificate; without it speaks plain HTTP."""

    def __init__(self, client_id="sluice", client_secret="s3cret+/ &", certificate=None):
        self.client_id, self.client_secret = client_id, client_secret
        self.keys = self.keys_before = {algorithm: Key(algorithm) for algorithm in ("RS256", "ES256", "EdDSA")}
        self.algorithm, self.wrong = "RS256", None
        self.subject = {"sub": "ana"}
        self.codes, self.asked = {}, []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"issuer": self}))
        self.server.daemon_threads = True
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake is the handler's: one that never ends holds up nobody else.
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            scheme = "https"
        self.url = f"{scheme}://localhost:{self.server.server_port}"
        self.released = threading.Event()  # of what is slow
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def rotate(self, algorithm):
        """A new key in place of the one that there is."""
        self.keys_before = dict(self.keys)
        self.keys[algorithm] = Key(algorithm)

    def count(self, path):
        return self.asked.count(path)

    # ---- Tokens ----

    def token(self, algorithm=None, wrong=None, **claims):
        """A JSON Web Token with these claims, wrong as asked."""
        key = self.keys[algorithm or self.algorithm]
        now = int(time.time())
        content = {"iss": self.url, "aud": self.client_id, "iat": now, "exp": now + LIFETIME_S, **self.subject, **claims}
        content.update({"iss": {"iss": "https://evil.example"}, "aud": {"aud": "another"}, "nonce": {"nonce": "another"},
                        "azp": {"aud": [self.client_id, "another"], "azp": "another"},
                        "expired": {"iat": now - 1000, "exp": now - 500}, "future": {"iat": now + 1000, "exp": now + 1500},
                        "long_lived": {"exp": now + 10 ** 8}}.get(wrong, {}))
        header = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}
        header.update({"kid": {"kid": "nobody's"}, "none": {"alg": "none"}, "confusion": {"alg": "HS256"},
                       "other_algorithm": {"alg": "ES256" if key.algorithm != "ES256" else "RS256"}}.get(wrong, {}))
        signed = f"{part(header)}.{part(content)}"
        signature = key.sign(signed.encode())
        if wrong == "none":
            signature = b""
        elif wrong == "confusion":  # whoever has the public key could make it, if it were taken for a shared secret
            signature = hmac.new(key.pem(), signed.encode(), hashlib.sha256).digest()
        elif wrong == "signature":
            signature = bytes([signature[0] ^ 1]) + signature[1:]
        return f"{signed}.{b64(signature)}"

    # ---- What it answers ----

    def discovery(self):
        return {"issuer": "https://another.example" if self.wrong == "other_issuer" else self.url,
                "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token",
                "jwks_uri": self.url + {"redirect_keys": "/moved", "other_issuer": "/others"}.get(self.wrong, "/keys"),
                "response_types_supported": ["code"], "subject_types_supported": ["public"]}

    def jwks(self, path):
        """Whoever was told of /keys before it was wrong finds there what was there."""
        is_elsewhere = self.wrong in ("redirect_keys", "other_issuer")
        known = self.keys_before if is_elsewhere and path == "/keys" else self.keys
        keys = {"keys": [{"kty": "oct", "k": "AAAA"}] + [key.public() for key in known.values()]}
        if self.wrong == "huge_keys":
            keys["padding"] = "x" * 10 ** 6
        if self.wrong == "slow_keys":
            self.released.wait(30)
        return keys

    def authorize(self, query):
        """Whoever comes is signed in: where the browser is sent."""
        assert query["response_type"] == "code" and query["client_id"] == self.client_id, query
        assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43, query
        assert "openid" in query["scope"].split(), query
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return query["redirect_uri"] + "?" + urllib.parse.urlencode({"code": code, "state": query["state"], "iss": self.url, "session_state": "x"})

    def exchange(self, form, authorization):
        kind, _, encoded = (authorization or "").partition(" ")
        shown = [urllib.parse.unquote_plus(each) for each in base64.b64decode(encoded).decode().split(":")]
        if kind != "Basic" or shown != [self.client_id, self.client_secret]:
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code"), None)
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or challenge != asked["code_challenge"] or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        token = self.token(wrong=self.wrong, **({} if self.wrong == "nonce" else {"nonce": asked["nonce"]}))
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": token}


class Handler(http.server.BaseHTTPRequestHandler):
    issuer = None

    def answer(self, status, body, **headers):
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.issuer.asked.append(path)
        if path == "/.well-known/openid-configuration":
            self.answer(200, self.issuer.discovery())
        elif path in ("/keys", "/others"):
            self.answer(200, self.issuer.jwks(path))
        elif path == "/authorize":
            self.answer(303, {}, Location=self.issuer.authorize(dict(urllib.parse.parse_qsl(query))))
        elif path == "/moved":
            self.answer(302, {}, Location=f"{self.issuer.url}/others")
        else:
            self.answer(404, {})

    def do_POST(self):
        self.issuer.asked.append(self.path)
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer(*self.issuer.exchange(dict(urllib.parse.parse_qsl(form)), self.headers.get("Authorization")))

    def log_message(self, format, *arguments):
        pass
