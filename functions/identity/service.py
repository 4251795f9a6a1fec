"""What can happen to an account: registering, signing in and out, new passwords, new roles."""

from collections.abc import Iterable

from identity import gateway, store
from identity.model import (
    BLOCKED,
    AccountBlocked,
    InvalidCredentials,
    NoSuchUser,
    OwnAccount,
    User,
    require_strong,
)
from market import log
from market.errors import PreconditionFailed, Unprocessable
from market.manifest import CUSTOMER, STAFF, VENDOR

_ATTEMPTS = 5

# To these nothing is added here: what they promise is said at the port.
verify = gateway.confirm
resend_code = gateway.resend_code
sign_in = gateway.sign_in
refresh = gateway.refresh
forgot_password = gateway.forgot_password
rename = store.rename


def register(email: str, password: str, name: str) -> None:
    """Make an account and mail a code; does and says the same for an address that has one. Raises WeakPassword.

    A crash between Cognito and the table leaves an account without item: `claims_of` makes it up at the first sign-in.
    """
    require_strong(password)
    user_id = gateway.sign_up(email, password, name)
    if user_id:
        store.add(User(id=user_id, email=email, name=name))
        log.info("registered", user_id=user_id)


def reset_password(email: str, code: str, password: str) -> None:
    require_strong(password)
    gateway.reset_password(email, code, password)


def sign_out(access_token: str, *, refresh_token: str | None) -> None:
    """End the session of the refresh token, or every session of the caller where none is given."""
    if refresh_token:
        gateway.revoke(refresh_token)
    elif access_token:
        gateway.sign_out_everywhere(access_token)
    else:
        raise InvalidCredentials("Please sign in again.")


def me(user_id: str) -> User:
    found = store.get(user_id)
    if not found:
        raise NoSuchUser("There is no such user.")
    return found


def give_roles(user_id: str, roles: Iterable[str], vendor_id: str, *, by: str) -> User:
    """Set the roles of a user, as staff. They show in tokens from the next refresh on, at the latest after 30 minutes.

    Raises NoSuchUser, OwnAccount, and Unprocessable unless the vendor role and a vendor come together.
    """
    found = _found(user_id)
    changed = found.given(roles, vendor_id=vendor_id)
    if (VENDOR in changed.roles) != bool(vendor_id):
        raise Unprocessable("The vendor role and vendorId go together.")
    if user_id == by and STAFF not in changed.roles:
        raise OwnAccount("Ask another member of staff.")
    if changed != found:
        store.change_roles(changed, version=found.version)
        log.info("roles changed", user_id=user_id, roles=sorted(changed.roles), vendor_id=vendor_id)
    return _found(user_id)


def set_status(user_id: str, status: str, *, by: str) -> User:
    """Block an account or let it in again, as staff. Blocking ends its sessions; access tokens die within 30 minutes.

    Raises NoSuchUser or OwnAccount. Repeated after a crash, it ends the sessions that were left.
    """
    found = _found(user_id)
    if user_id == by:
        raise OwnAccount("Ask another member of staff.")
    if status != found.status:
        store.change_status(user_id, status, version=found.version)
        log.info("account status changed", user_id=user_id, status=status)
    if status == BLOCKED:
        gateway.end_sessions(user_id)
    return _found(user_id)


def approve_vendor(owner_id: str, vendor_id: str) -> None:
    """Let the owner act for the vendor from the next token on. Repeated, it changes nothing."""
    store.make_vendor(_found(owner_id), vendor_id)


def claims_of(user_id: str, *, email: str, name: str) -> dict[str, str]:
    """What tokens say of a person, by one read. An account that lost its item gets a new one, as a customer.

    Raises AccountBlocked, whose text is its code: Cognito passes on nothing but the text.
    """
    user = store.get(user_id) or store.add(User(id=user_id, email=email, name=name or email.partition("@")[0]))
    if user.status == BLOCKED:
        raise AccountBlocked(AccountBlocked.code)
    claims = {"roles": " ".join(sorted(user.roles))}
    return claims | ({"vendorId": user.vendor_id} if user.vendor_id else {})


def bootstrap(email: str, password: str, name: str, roles: Iterable[str] = (CUSTOMER,), vendor_id: str = "") -> str:
    """A verified account, ready to sign in, with exactly these roles. Returns its id; repeated, it makes nothing new.

    Not reachable over HTTP: for an operator's first member of staff, and for demonstration data.
    """
    user_id = gateway.make_account(email, password, name)
    wanted = User(id=user_id, email=email, name=name).given(roles, vendor_id=vendor_id)
    _settle(store.add(wanted), wanted)
    return user_id


def make_staff(email: str) -> bool:
    """Give the staff role to the account with this address; False where there is none."""
    user_id = gateway.find_account(email)
    if not user_id:
        return False
    found = store.add(User(id=user_id, email=email, name=email.partition("@")[0]))
    _settle(found, found.given(found.roles | {STAFF}, vendor_id=found.vendor_id))
    return True


def _settle(found: User, wanted: User) -> None:
    """Give the wanted roles, whatever an approval that is heard at the same moment does to the account."""
    for _ in range(_ATTEMPTS):
        if (found.roles, found.vendor_id) == (wanted.roles, wanted.vendor_id):
            return
        try:
            store.change_roles(wanted, version=found.version)
            return
        except PreconditionFailed:
            found = _found(found.id)
    raise PreconditionFailed("The account keeps changing.")


def _found(user_id: str) -> User:
    user = store.get(user_id, consistent=True)
    if not user:
        raise NoSuchUser("There is no such user.")
    return user
