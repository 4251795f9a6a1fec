"""Forged, stolen and misplaced tokens: no protected route of the marketplace takes one.

Each row is one way to get in without a good access token, tried at every route that has an authorizer.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from local.harness import PASSWORD, InProcess, marketplace
from local.http_gateway import Request
from market.http import new_guest
from tests.attacks.forge import Forge, Knocker, b64, packed

pytestmark = pytest.mark.contract("1.1")

Headers = list[tuple[str, str]]
ZERO = bytes(256)
ADA = "ada@example.com"


@pytest.fixture(scope="module")
def shop() -> Iterator[InProcess]:
    with marketplace(sockets=False) as made:
        yield made


@pytest.fixture(scope="module")
def forge(shop: InProcess) -> Forge:
    shop.person(ADA)
    session = _session(shop, ADA)
    return Forge(shop, session["AccessToken"], session["IdToken"], session["RefreshToken"])


@pytest.fixture(scope="module")
def knocker(shop: InProcess) -> Knocker:
    return Knocker(shop)


def _session(shop: InProcess, email: str) -> dict[str, Any]:
    from market import config

    answer = config.client("cognito-idp").initiate_auth(
        ClientId=config.setting("USER_POOL_CLIENT_ID"),
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
    )
    result: dict[str, Any] = answer["AuthenticationResult"]
    return result


def _malleable(forge: Forge) -> str:
    """The same signature plus the modulus: equal to it for who computes modulo n without looking at its size."""
    signature = int.from_bytes(forge.signature, "big") + forge.key._public.public_numbers().n
    head, body, _ = forge.genuine.split(".")
    return f"{head}.{body}.{b64(signature.to_bytes(257, 'big'))}"


def _respelled(forge: Forge) -> str:
    """The genuine token with its last letter changed in bits that carry nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return forge.genuine[:-1] + alphabet[alphabet.index(forge.genuine[-1]) ^ 1]


def _with_signature(forge: Forge, signature: str) -> str:
    return f"{forge.genuine.rpartition('.')[0]}.{signature}"


def _another_way(forge: Forge, algorithm: str) -> str:
    """The pool's own key, used in a way that the pool does not use it."""
    text = f"{packed(forge.header | {'alg': algorithm})}.{packed(forge.claims)}"
    scheme: Any = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if algorithm == "PS256" else padding.PKCS1v15()
    digest = hashes.SHA512() if algorithm == "RS512" else hashes.SHA256()
    return f"{text}.{b64(forge.key._key.sign(text.encode(), scheme, digest))}"


def _later() -> int:
    return int(time.time()) + 3600


SQL = "x' UNION SELECT 'secret' --"
OTHER_POOL = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other0000"

TOKENS: dict[str, Callable[[Forge], str]] = {
    # the algorithm
    "the algorithm is none": lambda f: f.unsigned(alg="none"),
    "the algorithm is None": lambda f: f.unsigned(alg="None"),
    "the algorithm is NONE": lambda f: f.unsigned(alg="NONE"),
    "the algorithm is nOnE": lambda f: f.unsigned(alg="nOnE"),
    "the algorithm is none, under an old signature": lambda f: f.unsigned(f.signature, alg="none"),
    "the algorithm is empty": lambda f: f.unsigned(alg=""),
    "the algorithm is null": lambda f: f.unsigned(alg=None),
    "the algorithm is a list": lambda f: f.unsigned(alg=["RS256", "none"]),
    "the algorithm is missing": lambda f: f.pool_signs({"kid": f.key.id}, f.claims),
    "the algorithm has a space behind it": lambda f: f.pool_signs(f.header | {"alg": "RS256 "}, f.claims),
    "the algorithm is in lower case": lambda f: f.pool_signs(f.header | {"alg": "rs256"}, f.claims),
    "the algorithm is in full-width letters": lambda f: f.pool_signs(
        f.header | {"alg": "\uff32\uff33\uff12\uff15\uff16"}, f.claims
    ),
    "the algorithm has a zero-width space": lambda f: f.pool_signs(f.header | {"alg": "RS256\u200b"}, f.claims),
    "the algorithm is named twice": lambda f: f.pool_signs(
        f'{{"kid":"{f.key.id}","alg":"none","alg":"RS256"}}', f.claims
    ),
    "the pool's key signs with PSS": lambda f: _another_way(f, "PS256"),
    "the pool's key signs with SHA-512": lambda f: _another_way(f, "RS512"),
    "HMAC with the public key as PEM": lambda f: f.hmac(f.public_pem()),
    "HMAC with the public key without its last line break": lambda f: f.hmac(f.public_pem().strip()),
    "HMAC with the published key set": lambda f: f.hmac(json.dumps(f.key.key_set()).encode()),
    "HMAC with the modulus": lambda f: f.hmac(f.key.key_set()["keys"][0]["n"].encode()),
    "HMAC-384 with the public key": lambda f: f.hmac(f.public_pem(), "HS384"),
    "HMAC-512 with an empty secret": lambda f: f.hmac(b"", "HS512"),
    "an elliptic curve instead of RSA": lambda f: f.elliptic(),
    "an elliptic signature that calls itself RS256": lambda f: f.elliptic(alg="RS256"),
    "an elliptic signature of zeros": lambda f: f.unsigned(bytes(64), alg="ES256"),
    "an elliptic signature of two ones": lambda f: f.unsigned((bytes(31) + b"\x01") * 2, alg="ES256"),
    # the key
    "a key of the forger's own under the pool's kid": lambda f: f.own_rsa(),
    "an unknown kid": lambda f: f.own_rsa(kid="another"),
    "no kid": lambda f: f.pool_signs({"alg": "RS256"}, f.claims),
    "a kid that is a list": lambda f: f.own_rsa(kid=[f.key.id]),
    "a kid that is a path to nothing": lambda f: f.hmac(b"", kid="../../../../../../dev/null"),
    "a kid that is a path to the key file": lambda f: f.own_rsa(kid="../keys/tokens.pem"),
    "a kid that is SQL": lambda f: f.hmac(b"secret", kid=SQL),
    "a kid that is an address": lambda f: f.own_rsa(kid="http://127.0.0.1:9/key.pem"),
    "jku names a key set of the forger's": lambda f: f.own_rsa(jku="http://127.0.0.1:9/jwks.json"),
    "jwk brings the forger's key": lambda f: f.own_rsa(jwk=f.own_jwk()),
    "jwk brings an elliptic key": lambda f: f.elliptic(jwk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
    "x5u names a certificate of the forger's": lambda f: f.own_rsa(x5u="http://127.0.0.1:9/cert.pem"),
    "x5c brings a self-made certificate": lambda f: f.own_rsa(x5c=[f.own_certificate()]),
    "crit asks for something unknown": lambda f: f.pool_signs(f.header | {"crit": ["exp"], "exp": 1}, f.claims),
    "b64 is false": lambda f: f.pool_signs(f.header | {"b64": False, "crit": ["b64"]}, f.claims),
    "a header that the pool does not write": lambda f: f.pool_signs(f.header | {"typ": "JWT"}, f.claims),
    # times
    "expired an hour ago": lambda f: f.signed_by_pool(exp=int(time.time()) - 3600),
    "expired this second": lambda f: f.signed_by_pool(exp=int(time.time())),
    "no expiry": lambda f: f.signed_by_pool(without="exp"),
    "an expiry with a fraction": lambda f: f.signed_by_pool(exp=_later() + 0.5),
    "a negative expiry": lambda f: f.signed_by_pool(exp=-1),
    "an expiry that is true": lambda f: f.signed_by_pool(exp=True),
    "an expiry in words": lambda f: f.signed_by_pool(exp=str(_later())),
    "an expiry that is null": lambda f: f.signed_by_pool(exp=None),
    "an expiry in a list": lambda f: f.signed_by_pool(exp=[_later()]),
    "an infinite expiry": lambda f: f.pool_signs(f.header, json.dumps(f.claims | {"exp": float("inf")})),
    "an expiry that is no number": lambda f: f.pool_signs(f.header, json.dumps(f.claims | {"exp": float("nan")})),
    "an expiry beyond all floats": lambda f: f.pool_signs(
        f.header, json.dumps(f.claims).replace(str(f.claims["exp"]), "1e999")
    ),
    "not valid before the next hour": lambda f: f.signed_by_pool(nbf=_later()),
    "not valid before a time in words": lambda f: f.signed_by_pool(nbf="yesterday"),
    "made in the future": lambda f: f.signed_by_pool(iat=_later()),
    "made at a time in words": lambda f: f.signed_by_pool(iat="now"),
    # whose and what for
    "another pool of the same host": lambda f: f.signed_by_pool(iss=OTHER_POOL),
    "another issuer": lambda f: f.signed_by_pool(iss="https://accounts.example.com"),
    "an issuer that begins like ours": lambda f: f.signed_by_pool(iss=f"{f.claims['iss']}.example.com"),
    "our issuer with a slash behind it": lambda f: f.signed_by_pool(iss=f"{f.claims['iss']}/"),
    "our issuer over plain http": lambda f: f.signed_by_pool(iss=f.claims["iss"].replace("https", "http")),
    "our issuer in a list": lambda f: f.signed_by_pool(iss=[f.claims["iss"]]),
    "no issuer": lambda f: f.signed_by_pool(without="iss"),
    "another client of the pool": lambda f: f.signed_by_pool(client_id="another"),
    "our client in a list": lambda f: f.signed_by_pool(client_id=[f.claims["client_id"]]),
    "no client": lambda f: f.signed_by_pool(without="client_id"),
    "our client as the audience of another client's token": lambda f: f.signed_by_pool(
        client_id="another", aud=f.claims["client_id"]
    ),
    "an id token": lambda f: f.identity,
    "an id token that names a client": lambda f: f.signed_by_pool(token_use="id", aud=f.claims["client_id"]),
    "a refresh token": lambda f: f.refresh,
    "a refresh token's use": lambda f: f.signed_by_pool(token_use="refresh"),
    "a use in capitals": lambda f: f.signed_by_pool(token_use="ACCESS"),
    "a use in a list": lambda f: f.signed_by_pool(token_use=["access"]),
    "no use": lambda f: f.signed_by_pool(without="token_use"),
    "two uses": lambda f: f.pool_signs(f.header, json.dumps(f.claims).replace("{", '{"token_use":"id",', 1)),
    "two people": lambda f: f.pool_signs(f.header, json.dumps(f.claims)[:-1] + ',"sub":"somebody-else"}'),
    # changed claims under an old signature
    "forged roles": lambda f: f.altered(roles="customer vendor staff"),
    "forged permissions": lambda f: f.altered(roles="staff", permissions="*"),
    "a forged vendor": lambda f: f.altered(roles="vendor", vendorId="ven_01", vendorPermissions="*"),
    "somebody else's sub": lambda f: f.altered(sub="00000000-0000-0000-0000-000000000000"),
    "a later expiry": lambda f: f.altered(exp=_later() * 2),
    "an older version of what one may do": lambda f: f.altered(acv=0),
    "the signature of the id token": lambda f: _with_signature(f, f.identity.rpartition(".")[2]),
    # the signature
    "no signature": lambda f: f.genuine.rpartition(".")[0],
    "an empty signature": lambda f: _with_signature(f, ""),
    "a signature of zeros": lambda f: _with_signature(f, b64(ZERO)),
    "a signature of one": lambda f: _with_signature(f, b64(bytes(255) + b"\x01")),
    "a signature cut short": lambda f: f.genuine[:-6],
    "a signature with a zero before it": lambda f: _with_signature(f, b64(b"\0" + f.signature)),
    "a signature with a zero behind it": lambda f: _with_signature(f, b64(f.signature + b"\0")),
    "the signature plus the modulus": _malleable,
    "the signature in another spelling": _respelled,
    "the signature with padding": lambda f: f.genuine + "==",
    "the signature in the other base64": lambda f: f"{f.genuine.rpartition('.')[0]}.{f.genuine.rpartition('.')[2]}+/",
    # the form
    "two dots between the parts": lambda f: f.genuine.replace(".", "..", 1),
    "a dot before it": lambda f: f".{f.genuine}",
    "a dot behind it": lambda f: f"{f.genuine}.",
    "nothing but dots": lambda f: "..",
    "an encrypted token": lambda f: ".".join([packed({"alg": "dir", "enc": "A128GCM"}), "", "AA", "AA", "AA"]),
    "a token in a token": lambda f: f.pool_signs(f.header | {"cty": "JWT"}, f.genuine),
    "a genuine token as the claims of a forged one": lambda f: f"{packed({'alg': 'none'})}.{packed(f.genuine)}.",
    "claims that are a list": lambda f: f.pool_signs(f.header, json.dumps([f.claims])),
    "claims that are not JSON": lambda f: f.pool_signs(f.header, "{sub:1}"),
    "claims with a byte order mark": lambda f: f.pool_signs(f.header, "\ufeff" + json.dumps(f.claims)),
    "claims ten thousand levels deep": lambda f: f.pool_signs(f.header, "[" * 3000 + "]" * 3000),
    "a header that is a number": lambda f: f.pool_signs("1", f.claims),
    "a token of a megabyte": lambda f: f.unsigned(bytes(5000)),
    "a token in hexadecimal": lambda f: f.genuine.encode().hex(),
    # other credentials
    "a guest's token": lambda f: new_guest(),
    "a guest's token with staff's claims": lambda f: f"{new_guest()}.{packed(f.promoted())}",
    "an API key": lambda f: "mk_live_0123456789abcdef0123456789abcdef",
    "an API key in three parts": lambda f: "key_01.0123456789abcdef.0123456789abcdef",
    "the word null": lambda f: "null",
    "the word undefined": lambda f: "undefined",
}


def _bearer(token: str) -> tuple[str, str]:
    return "authorization", f"Bearer {token}"


REQUESTS: dict[str, Callable[[Forge], tuple[Headers, str]]] = {
    "no token at all": lambda f: ([], ""),
    "a good token in the address": lambda f: ([], f"access_token={f.genuine}"),
    "a good token in the address, as Authorization": lambda f: ([], f"Authorization=Bearer%20{f.genuine}"),
    "a good token in a cookie": lambda f: (
        [("cookie", f"access_token={f.genuine}; Authorization=Bearer {f.genuine}")],
        "",
    ),
    "a good token without a scheme": lambda f: ([("authorization", f.genuine)], ""),
    "a good token as Basic": lambda f: ([("authorization", f"Basic {f.genuine}")], ""),
    "a good token as a password": lambda f: ([("authorization", f"Basic {b64(b'user:' + f.genuine.encode())}")], ""),
    "a good token behind the scheme twice": lambda f: ([("authorization", f"Bearer Bearer {f.genuine}")], ""),
    "a good token behind a tab": lambda f: ([("authorization", f"Bearer\t{f.genuine}")], ""),
    "a good token behind a space that is none": lambda f: ([("authorization", f"Bearer\xa0{f.genuine}")], ""),
    "a good token with a word behind it": lambda f: ([("authorization", f"Bearer {f.genuine} staff")], ""),
    "a good token with a line break in it": lambda f: ([("authorization", f"Bearer {f.genuine}\r\nx: y")], ""),
    "a good token with a null behind it": lambda f: ([("authorization", f"Bearer {f.genuine}\0")], ""),
    "a good token in quotes": lambda f: ([("authorization", f'Bearer "{f.genuine}"')], ""),
    "a good token as a parameter": lambda f: ([("authorization", f"Bearer token={f.genuine}")], ""),
    "a good and a forged token in one header": lambda f: (
        [("authorization", f"Bearer {f.genuine},Bearer {f.own_rsa()}")],
        "",
    ),
    "a good header, then a forged one": lambda f: ([_bearer(f.genuine), _bearer(f.own_rsa())], ""),
    "a forged header, then a good one": lambda f: ([_bearer(f.own_rsa()), _bearer(f.genuine)], ""),
    "the same good header twice": lambda f: ([_bearer(f.genuine), _bearer(f.genuine)], ""),
    "a good token in a header of a load balancer": lambda f: ([("x-amzn-oidc-accesstoken", f.genuine)], ""),
    "a good token as a forwarded header": lambda f: ([("x-forwarded-authorization", f"Bearer {f.genuine}")], ""),
    "a good token as a guest's": lambda f: ([("guest-token", f.genuine)], ""),
    "a good token as an API key": lambda f: ([("api-key", f.genuine)], ""),
    "claims sent as if the gateway had checked them": lambda f: (
        [("x-amzn-request-context", json.dumps({"authorizer": {"jwt": {"claims": f.promoted()}}}))],
        "",
    ),
    "a forged token in lower-case bearer": lambda f: ([("authorization", f"bearer {f.own_rsa()}")], ""),
}


def test_a_good_token_opens(forge: Forge, shop: InProcess, knocker: Knocker) -> None:
    """Without this the rows below would prove nothing."""
    assert len(knocker.protected) > 60
    for token in (forge.genuine, forge.signed_by_pool(), forge.pool_signs(forge.header, forge.claims)):
        assert shop.call("GET", "/v1/me", token=token).status == 200
    assert shop.call("GET", "/v1/me", headers={"authorization": f"bearer {forge.genuine}"}).status == 200


@pytest.mark.parametrize("attack", TOKENS)
def test_no_route_takes(attack: str, forge: Forge, knocker: Knocker) -> None:
    assert knocker.opened([_bearer(TOKENS[attack](forge))]) == []


@pytest.mark.parametrize("attack", REQUESTS)
def test_no_route_is_opened_by(attack: str, forge: Forge, knocker: Knocker) -> None:
    headers, query = REQUESTS[attack](forge)
    assert knocker.opened(headers, query) == []


def test_a_token_in_the_body_opens_nothing(forge: Forge, knocker: Knocker) -> None:
    form = [("content-type", "application/x-www-form-urlencoded")]
    assert knocker.opened(form, body=f"access_token={forge.genuine}".encode()) == []


@pytest.mark.parametrize(
    ("header", "prefix"), [("guest-token", "/v1/guest/"), ("api-key", "/v1/api/")], ids=["guests", "programs"]
)
@pytest.mark.parametrize("attack", ["an access token", "an id token", "a forged one", "the other door's", "nothing"])
def test_the_doors_without_the_gateway_s_authorizer_take_only_their_own(
    header: str, prefix: str, attack: str, forge: Forge, knocker: Knocker, shop: InProcess
) -> None:
    sent = {
        "an access token": forge.genuine,
        "an id token": forge.identity,
        "a forged one": f"{new_guest()[:-1]}g",
        "the other door's": new_guest() if header == "api-key" else "mk_live_0123456789abcdef0123456789abcdef",
        "nothing": "",
    }[attack]
    doors = knocker.at(prefix)
    assert doors
    for method, path in doors:
        headers = [(header, sent), _bearer(forge.genuine)]
        answer = shop.inside.gateway.answer(Request(method, path, "", headers, b"{}"))
        assert answer.status == 401, (method, path, answer.body[:200])


# -- tokens that were good: the gateway lets them in until they expire, the functions do not

ANSWERING = ["/v1/me", "/v1/cart", "/v1/me/sessions", "/v1/me/access"]


def _closed(shop: InProcess, token: str) -> bool:
    return all(shop.call("GET", path, token=token).status in (401, 403) for path in ANSWERING)


def _open(shop: InProcess, token: str) -> bool:
    return all(shop.call("GET", path, token=token).status == 200 for path in ANSWERING)


def _sign_in(shop: InProcess, email: str) -> dict[str, str]:
    answer = shop.call("POST", "/v1/auth/login", {"email": email, "password": PASSWORD})
    assert answer.status == 200, answer
    session: dict[str, str] = answer.json
    return session


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What people may do is read at each request."""
    monkeypatch.setenv("ACCESS_CACHE_SECONDS", "0")


@pytest.mark.usefixtures("at_once")
def test_the_token_of_a_session_that_was_signed_out_opens_nothing(shop: InProcess) -> None:
    shop.person("eve@example.com")
    mine, other = _sign_in(shop, "eve@example.com"), _sign_in(shop, "eve@example.com")

    body = {"refreshToken": mine["refreshToken"]}
    assert shop.call("POST", "/v1/auth/logout", body, token=mine["accessToken"]).status == 200

    assert _closed(shop, mine["accessToken"])
    assert _open(shop, other["accessToken"])
    assert shop.call("POST", "/v1/auth/refresh", body).status == 401


@pytest.mark.usefixtures("at_once")
def test_tokens_from_before_signing_out_everywhere_open_nothing(shop: InProcess) -> None:
    shop.person("fay@example.com")
    one, two = _sign_in(shop, "fay@example.com"), _sign_in(shop, "fay@example.com")

    assert shop.call("POST", "/v1/auth/logout", {"everywhere": True}, token=one["accessToken"]).status == 200

    for session in (one, two):
        assert _closed(shop, session["accessToken"])
        assert shop.call("POST", "/v1/auth/refresh", {"refreshToken": session["refreshToken"]}).status == 401
    assert _open(shop, _sign_in(shop, "fay@example.com")["accessToken"])


@pytest.mark.usefixtures("at_once")
def test_the_token_of_a_blocked_person_opens_nothing(shop: InProcess) -> None:
    from access import contract
    from access.store import table

    token = shop.person("gil@example.com")
    person = str(_claims(token)["sub"])
    standing = contract.read_standing(table.get(contract.standing_key(person), consistent=True) or {})
    assert _open(shop, token)

    table.transact(*contract.status_changed(person, standing, contract.BLOCKED))

    assert _closed(shop, token)


def _claims(token: str) -> Any:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
