"""What tokens say of a person: made before each of them, from what is true at that moment."""

from access.contract import BLOCKED, ERASED, PLATFORM, Standing
from access.contract import claims_of as rights_of
from identity import store
from identity.model import AccountBlocked, FurtherStepRequired, User
from market.guard import flags
from market.guard.standing import HELD_BACK
from market.manifest import STAFF, VENDOR

REQUIRED = "mfa-required"
"""The flag that demands a second factor, of roles or of people."""


def claims_of(user_id: str, *, email: str, name: str, proven: bool, hosted: bool = False) -> dict[str, str]:
    """The claims of a new token. An account that lost its item gets a new one, as a customer.

    proven: whether the person has shown that the address is theirs. hosted: whether another company vouches for them,
    which asks for no second factor of ours. Raises AccountBlocked or FurtherStepRequired, whose texts are their codes:
    Cognito passes on nothing but the text.
    """
    user, standing = store.whole(user_id)
    if user is None:
        user = store.add(User(id=user_id, email=email, name=name or email.partition("@")[0]))
    if user.erased or standing.status in (BLOCKED, ERASED):
        raise AccountBlocked(AccountBlocked.code)
    if proven:
        store.activate(user_id, standing)
        if email and email != user.email:
            store.settle_email(user, email)
    return _said(user, standing, hosted=hosted) | {"issuedAt": str(store.now_ms())}


def factor_demanded(user: User, standing: Standing) -> bool:
    """Whether this person must have a second factor: because staff said so, or by a flag for their roles."""
    roles = {role for grant in standing.grants.values() for role in grant.roles}
    roles |= {STAFF if scope == PLATFORM else VENDOR for scope in standing.grants}
    return user.factor_required or flags.on(REQUIRED, context={"roles": sorted(roles), "user": user.id})


def _said(user: User, standing: Standing, *, hosted: bool) -> dict[str, str]:
    demanded = (hosted or not user.factors) and factor_demanded(user, standing)
    if demanded and hosted:
        raise FurtherStepRequired(FurtherStepRequired.code)
    if demanded:
        return {"roles": "customer", "acv": str(standing.version), "held": HELD_BACK}
    return rights_of(standing, store.own_roles(standing))
