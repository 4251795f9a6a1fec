"""What the template says of its user pool: password rules, factors, and the words of mails and text messages."""

import re
from dataclasses import dataclass, field
from typing import Any

from local.answers import AwsError

__all__ = ["PasswordPolicy", "PoolSettings"]

JSON = dict[str, Any]
_SUBJECT, _MESSAGE = "Your verification code", "Your confirmation code is {####}"
_CODE_TEXT = "Your authentication code is {####}"
_CLASSES = {"Lowercase": "[a-z]", "Uppercase": "[A-Z]", "Numbers": "[0-9]", "Symbols": r"[^A-Za-z0-9\s]"}
_LONGEST = 256


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """The shortest length, and the kinds of characters that must occur."""

    length: int = 8
    needs: tuple[str, ...] = ()

    def check(self, password: str) -> None:
        """Raises InvalidPasswordException."""
        lacks = self._lacks(password)
        if lacks:
            raise AwsError("InvalidPasswordException", f"Password did not conform with policy: {lacks}")

    def _lacks(self, password: str) -> str:
        if len(password) < self.length:
            return "Password not long enough"
        if len(password) > _LONGEST:
            return "Password too long"
        missing = [kind for kind in self.needs if not re.search(_CLASSES[kind], password)]
        return f"Password must have {missing[0].lower()} characters" if missing else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """A pool's properties as far as they are played; `{####}` in a text is the code.

    mfa: OFF, OPTIONAL or ON. second_factors: SOFTWARE_TOKEN_MFA, SMS_MFA, EMAIL_OTP.
    first_factors: what USER_AUTH lets people begin with. verified_first: attributes that keep their old value until
    the new one is verified. passkeys_suffice: whether a passkey with user verification counts as two factors.
    recovery: how a forgotten password is replaced, first choice first.
    """

    passwords: PasswordPolicy = field(default_factory=PasswordPolicy)
    mfa: str = "OFF"
    second_factors: frozenset[str] = frozenset()
    first_factors: frozenset[str] = frozenset({"PASSWORD"})
    verified_first: frozenset[str] = frozenset()
    relying_party: str = ""
    user_verification: str = "preferred"
    passkeys_suffice: bool = False
    invited_only: bool = False
    recovery: tuple[str, ...] = ("verified_email",)
    subject: str = _SUBJECT
    message: str = _MESSAGE
    code_subject: str = _SUBJECT
    code_message: str = _CODE_TEXT
    code_text: str = _CODE_TEXT

    @staticmethod
    def of(pool: JSON) -> "PoolSettings":
        """From the properties of an AWS::Cognito::UserPool."""
        policies = pool.get("Policies") or {}
        rules = policies.get("PasswordPolicy") or {}
        mail = pool.get("VerificationMessageTemplate") or {}
        firsts = (policies.get("SignInPolicy") or {}).get("AllowedFirstAuthFactors") or ["PASSWORD"]
        updates = pool.get("UserAttributeUpdateSettings") or {}
        return PoolSettings(
            passwords=PasswordPolicy(
                int(rules.get("MinimumLength", 8)), tuple(kind for kind in _CLASSES if rules.get(f"Require{kind}"))
            ),
            mfa=str(pool.get("MfaConfiguration", "OFF")),
            second_factors=frozenset(pool.get("EnabledMfas") or ()),
            first_factors=frozenset(firsts),
            verified_first=frozenset(updates.get("AttributesRequireVerificationBeforeUpdate") or ()),
            relying_party=str(pool.get("WebAuthnRelyingPartyID", "")),
            user_verification=str(pool.get("WebAuthnUserVerification", "preferred")),
            passkeys_suffice=pool.get("WebAuthnFactorConfiguration") == "MULTI_FACTOR_WITH_USER_VERIFICATION",
            invited_only=bool((pool.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly")),
            recovery=_recovery(pool),
            subject=mail.get("EmailSubject") or pool.get("EmailVerificationSubject") or _SUBJECT,
            message=mail.get("EmailMessage") or pool.get("EmailVerificationMessage") or _MESSAGE,
            code_subject=pool.get("EmailAuthenticationSubject") or _SUBJECT,
            code_message=pool.get("EmailAuthenticationMessage") or _CODE_TEXT,
            code_text=pool.get("SmsAuthenticationMessage") or _CODE_TEXT,
        )


def _recovery(pool: JSON) -> tuple[str, ...]:
    ways = (pool.get("AccountRecoverySetting") or {}).get("RecoveryMechanisms") or ()
    ordered = sorted(ways, key=lambda way: int(way.get("Priority", 1)))
    return tuple(str(way["Name"]) for way in ordered) or ("verified_email",)
