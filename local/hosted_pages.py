"""The pages of the hosted sign-in, as HTML: plain forms, no scripts, every value escaped."""

from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import urlencode

__all__ = ["POLICY", "code_page", "person_page", "refusal_page", "sign_in_page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
"""No form-action: browsers apply it to the redirect that follows, which leads back to the application."""


def sign_in_page(providers: Iterable[str], asked: Mapping[str, str], *, csrf: str, password: bool, error: str) -> str:
    """Where to sign in: a button for each provider, and fields for a password where the client takes one."""
    buttons = "".join(
        f'<p><a href="/oauth2/authorize?{escape(urlencode({**asked, "identity_provider": name}))}">'
        f"Continue with {escape(name)}</a></p>"
        for name in providers
    )
    fields = (
        '<label>E-mail <input name="username" type="email" autocomplete="username" required></label>'
        '<label>Password <input name="password" type="password" autocomplete="current-password" required></label>'
        "<button>Sign in</button>"
    )
    form = _form(f"/login?{urlencode(asked)}", csrf, fields) if password else ""
    return _page("Sign in", _error(error) + buttons + form)


def code_page(asked: Mapping[str, str], *, csrf: str, challenge: str, session: str, username: str, error: str) -> str:
    """The second factor: the code of an app, a mail or a text message."""
    hidden = {"challenge": challenge, "session": session, "username": username}
    fields = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items())
    fields += '<label>Code <input name="code" inputmode="numeric" autocomplete="one-time-code" required></label>'
    return _page(
        "Confirm it is you",
        _error(error) + _form(f"/login?{urlencode(asked)}", csrf, f"{fields}<button>Go on</button>"),
    )


def person_page(provider: str, state: str) -> str:
    """The simulated provider: who would you like to be?"""
    fields = (
        f'<input type="hidden" name="state" value="{escape(state)}">'
        '<label>E-mail <input name="email" type="email" required></label><label>Name <input name="name"></label>'
        f'<label><input name="verified" type="checkbox" value="true" checked> {escape(provider)} has verified this '
        "address</label><button>Continue</button>"
    )
    note = f"<p>This page stands for {escape(provider)}. Choose which of its people you are.</p>"
    cancelled = urlencode({"error": "access_denied", "state": state})
    refuse = f'<p><a href="/oauth2/idpresponse?{escape(cancelled)}">Cancel</a></p>'
    return _page(provider, note + _form(f"/oauth2/provider/{provider}", "", fields) + refuse)


def refusal_page(message: str) -> str:
    """A request that must not be sent back to the address it names."""
    return _page("That did not work", f"<p>{escape(message)}</p>")


def _form(action: str, csrf: str, fields: str) -> str:
    hidden = f'<input type="hidden" name="_csrf" value="{escape(csrf)}">' if csrf else ""
    return f'<form method="post" action="{escape(action)}">{hidden}{fields}</form>'


def _error(message: str) -> str:
    return f'<p role="alert">{escape(message)}</p>' if message else ""


def _page(title: str, body: str) -> str:
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width"><style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:3rem auto;padding:0 1rem;color:#222}}
label{{display:block;margin:.6rem 0}}input{{font:inherit;padding:.3rem}}button{{font:inherit;padding:.3rem 1rem}}
[role=alert]{{color:#a00}}</style>
<h1>{escape(title)}</h1>{body}</html>"""
