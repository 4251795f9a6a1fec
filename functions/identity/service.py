"""What can happen to an account: registering, new passwords and addresses, staff's measures, its end."""

from collections.abc import Iterable

from access.contract import ANYTHING, BLOCKED, Standing
from identity import attempts, gateway, grants, resets, sessions, signing_in, store, tokens
from identity.devices import Visit
from identity.gateway import Account, Session
from identity.model import (
    AddressNotProven,
    FurtherStepRequired,
    InvalidCredentials,
    NoSuchUser,
    Outranked,
    OwnAccount,
    User,
    WrongCode,
    WrongPassword,
    require_strong,
)
from identity.signing_in import Step
from market import ids, log
from market.manifest import CUSTOMER

# To these nothing is added here: what they promise is said there.
resend_code = gateway.resend_code
forgot_password = gateway.forgot_password
rename = store.rename


def register(email: str, password: str, name: str) -> str:
    """Make an account and mail a code; says the same for an address that has one. Raises WeakPassword.

    Returns what has to come with the code: who gets a stranger's code does not confirm the stranger's password with it.
    Whoever registered an address without confirming it has proven nothing: their account and password give way. The
    owner of one in use is told. A crash between Cognito and the table leaves an account without item: the first sign-in
    makes it.
    """
    require_strong(password)
    taken = gateway.find(email)  # asked of every address: as many calls tell nothing to whoever measures them
    if taken and not taken.confirmed:
        _discard(taken)
    user_id = gateway.sign_up(email, password, name)
    if user_id:
        store.add(User(id=user_id, email=email, name=name), pending=True)
        log.info("registered", user_id=user_id)
    elif taken:
        store.tell_of_repetition(taken.id)
    return tokens.registration(user_id or ids.ulid())


def verify(email: str, code: str, registration: str, *, where: str = "") -> None:
    """Confirm the address with the mailed code, for who made the present registration. The first sign-in notes it.

    The account is confirmed by its id, so that one that takes its place at this moment is not. Raises WrongCode or
    TooManyAttempts.
    """
    with attempts.counted(attempts.CODE, email, WrongCode, where=where):
        known = gateway.find(email)
        theirs = known and tokens.is_registration(registration, known.id)
        gateway.confirm(known.id if known and theirs else ids.ulid(), code)  # nobody's is asked about alike


def welcome(email: str, *, proven: bool, provider: str, subject: str) -> None:
    """Somebody comes for the first time with another company's account: link it to the one of the same address.

    Raises AddressNotProven where either side has not shown that the address is theirs, whose text is its code. An
    account that somebody registered without confirming it is not theirs: it goes, with its password.
    """
    if not proven or not email:
        raise AddressNotProven(AddressNotProven.code)
    known = gateway.find(email)
    if known and not known.confirmed:
        _discard(known)
    elif known and not known.proven:
        raise AddressNotProven(AddressNotProven.code)
    elif known:
        gateway.link_provider(known.username, provider, subject)


def sign_in(email: str, password: str, visit: Visit = Visit()) -> Session | Step:  # noqa: B008 - frozen
    """For tools and tests on one machine: the actor is the person within this call only."""
    with log.acting(log.scope()):
        return signing_in.with_password(email, password, visit)


def sign_out_everywhere(user_id: str) -> None:
    """End every session of the person; repeated after a crash, it ends those that were left."""
    store.end_all_sessions(user_id, why="sign_out_everywhere")
    end_sessions(user_id)


def reset_password(email: str, code: str, password: str, *, where: str = "") -> None:
    """A new password with the mailed code, which ends every session. Raises WrongCode, WeakPassword or a limit.

    What a crash after the new password leaves is done before the person's next tokens.
    """
    require_strong(password)
    with attempts.counted(attempts.CODE, email, WrongCode, where=where):
        known = gateway.find(email)
        with resets.noted(known.id if known else email) as note:
            gateway.reset_password(email, code, password)
    attempts.forget(attempts.PASSWORD, email, where=where)
    if known:
        log.act_as("user", known.id)
        store.password_changed(known.id, resets.gone(note), forgotten=True)
        end_sessions(known.id)


def change_password(user_id: str, access_token: str, old: str, new: str, visit: Visit) -> Session | Step:
    """A new password in place of the old one; ends every session and begins a new one here.

    In this order a crash at any point leaves sessions ended and the old password, or all of it done. Raises
    WrongPassword, WeakPassword or TooManyAttempts.
    """
    require_strong(new)
    user = me(user_id)[0]
    prove(user, old)
    store.password_changed(user_id, forgotten=False)
    gateway.change_password(access_token, old, new)
    end_sessions(user_id)
    return signing_in.with_password(user.email, new, visit)


def change_email(user_id: str, access_token: str, password: str, email: str) -> None:
    """Mail a code to the new address. Raises WrongPassword; that the address is taken is not told."""
    prove(me(user_id)[0], password)
    gateway.change_email(access_token, email)


def confirm_email(user_id: str, access_token: str, code: str) -> None:
    """From here on the new address counts. Repeated after a crash, or forgotten, the next token notes it."""
    with attempts.counted(attempts.CODE, user_id, WrongCode):
        email = gateway.confirm_email(access_token, code)
    store.settle_email(_found(user_id)[0], email)


def me(user_id: str) -> tuple[User, Standing]:
    """Raises NoSuchUser for who was erased, too."""
    user, standing = _found(user_id)
    if user.erased:
        raise NoSuchUser("There is no such user.")
    return user, standing


def set_status(user_id: str, status: str, *, by: str) -> tuple[User, Standing]:
    """Block an account or let it in again, as staff. Blocking ends its sessions at once.

    Raises NoSuchUser, OwnAccount, Outranked, StandingChanged, or LastOwner. Repeated after a crash, it ends what was
    left.
    """
    _, standing = me(user_id)
    require_rank(by, over=user_id)
    if status != standing.status:
        store.change_status(user_id, standing, status)
        log.info("account status changed", user_id=user_id, status=status)
    if status == BLOCKED:
        end_sessions(user_id)
    return _found(user_id)


def search(email: str) -> list[tuple[User, Standing]]:
    """The accounts with this address: as a rule one, or none."""
    found = map(store.whole, gateway.with_address(email))
    return [(user, standing) for user, standing in found if user]


def erase(user_id: str) -> None:
    """Forget a person, for good: account, sessions, name and address. Repeated, it does what was left.

    Raises LastOwner for the last administrator of a vendor or of the platform: somebody has to follow them first.
    """
    user, standing = store.whole(user_id)
    for kind in (attempts.PASSWORD, attempts.CODE) if user and user.email else ():
        attempts.forget(kind, user.email if user else "")
    if user and user.email:
        store.forget_invitations(user.email)
    if not user or not user.erased:
        store.erase(user_id, standing)
    gateway.delete_account(user_id)
    sessions.forget_all(user_id)
    log.info("account erased", user_id=user_id)


def bootstrap(email: str, password: str, name: str, roles: Iterable[str] = (CUSTOMER,), vendor_id: str = "") -> str:
    """A verified account, ready to sign in, with these roles. Returns its id; repeated, it makes nothing new.

    roles: staff makes a super_admin, vendor a vendor_admin of `vendor_id`. Not reachable over HTTP: for an operator's
    first member of staff, and for demonstration data.
    """
    user_id = gateway.make_account(email, password, name)
    store.add(User(id=user_id, email=email, name=name))
    grants.give(user_id, frozenset(roles), vendor_id)
    return user_id


def make_staff(email: str) -> bool:
    """Make the account with this address a super_admin; False where there is none."""
    known = gateway.find(email)
    if not known:
        return False
    store.add(User(id=known.id, email=email, name=email.partition("@")[0]))
    grants.give(known.id, frozenset({"staff"}), "")
    return True


def prove(user: User, password: str) -> None:
    """Raises WrongPassword unless it is theirs. Cognito is asked as at a sign-in; what that begins is ended."""
    try:
        with attempts.counted(attempts.PASSWORD, user.id, InvalidCredentials):  # strangers cannot lock this one
            found = gateway.sign_in(user.email, password)
    except InvalidCredentials:
        raise WrongPassword("This is not your present password.") from None
    except FurtherStepRequired:
        return
    if isinstance(found, Session):
        gateway.revoke(found.refresh_token)


def require_rank(by: str, *, over: str) -> None:
    """Nobody of the staff acts on their own account as staff, or on somebody's who holds more on the platform.

    Raises OwnAccount or Outranked.
    """
    if by == over:
        raise OwnAccount("Ask another member of staff.")
    theirs, mine = store.held_on_platform(over, by)
    if ANYTHING not in mine and not theirs <= mine:
        raise Outranked("Ask somebody of the staff who may do all that they may.")


def end_sessions(user_id: str) -> None:
    gateway.end_sessions(user_id)
    sessions.forget_all(user_id)


def _discard(account: Account) -> None:
    """An account that nobody confirmed goes; the address is free again.

    Cognito deletes without a condition: who confirms it at this very moment loses it, and registers again.
    """
    gateway.delete_account(account.username)
    user, standing = store.whole(account.id)
    if user and not user.erased:
        store.erase(account.id, standing)


def _found(user_id: str) -> tuple[User, Standing]:
    user, standing = store.whole(user_id)
    if not user:
        raise NoSuchUser("There is no such user.")
    return user, standing
