"""What the screen knows from the start. Staff add to it by the lists of the API; it is meant to stay this short."""

_THROWN_AWAY = """
10minutemail.com 20minutemail.com 33mail.com burnermail.io dispostable.com discard.email emailondeck.com
fakeinbox.com fakemail.net getairmail.com getnada.com grr.la guerrillamail.com guerrillamail.net
inboxkitten.com jetable.org mailcatch.com maildrop.cc mailinator.com mailnesia.com mailnull.com mailsac.com
mintemail.com moakt.com mohmal.com mytemp.email sharklasers.com spamgourmet.com temp-mail.io temp-mail.org
tempail.com tempmail.net tempr.email throwawaymail.com trashmail.com trashmail.de yopmail.com yopmail.fr
"""
DISPOSABLE = frozenset(_THROWN_AWAY.split())
"""Domains whose mailboxes are thrown away after use."""

_EVERYDAY = """
aol.com fastmail.com free.fr gmail.com gmx.at gmx.ch gmx.de gmx.net googlemail.com hey.com hotmail.co.uk
hotmail.com hotmail.fr icloud.com laposte.net libero.it live.com mac.com mail.com mail.ru me.com msn.com
naver.com orange.fr outlook.com outlook.de pm.me posteo.de proton.me protonmail.com qq.com rediffmail.com
t-online.de tutanota.com web.de yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.fr yandex.ru ymail.com
zoho.com 126.com 163.com
"""
COMMON = frozenset(_EVERYDAY.split())
"""Domains that everybody uses: how often they are seen says nothing, and counting them would make one hot item."""

RISKY_BINS = frozenset({"41000000"})
"""The sandbox's issuer of doubtful cards; no scheme gives this number to a real one."""

BLOCKED_BINS = frozenset({"41000001"})
"""The sandbox's issuer of cards that are always refused."""

TEST_BINS = frozenset({"40000000", "40000027", "40000082", "42424242"})
"""Issuers of test cards, which everybody has: a fingerprint of one identifies nobody."""


def listed(kind: str, value: str) -> str:
    """The list that a domain or BIN is on by default: risky, blocked or, mostly, none."""
    if kind == "domain" and value in DISPOSABLE:
        return "risky"
    if kind == "bin" and value in BLOCKED_BINS:
        return "blocked"
    return "risky" if kind == "bin" and value in RISKY_BINS else ""
