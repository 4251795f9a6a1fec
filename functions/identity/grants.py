"""First rights, given where there is nobody yet who could give them over the API."""

from access.contract import (
    ACTIVE,
    PLATFORM,
    SUPER_ADMIN,
    VENDOR_ADMIN,
    Grant,
    StandingChanged,
    counted,
    granted,
    is_owner,
    member_key,
    unchanged,
)
from identity import store
from identity.table import TABLE
from market import clock
from market.manifest import STAFF, VENDOR
from market.table import update

_ATTEMPTS = 8


def give(user_id: str, kinds: frozenset[str], vendor_id: str) -> None:
    """staff: super_admin of the platform; vendor: vendor_admin of the vendor. What somebody has already, stays."""
    if STAFF in kinds:
        _settle(user_id, PLATFORM, SUPER_ADMIN)
    if VENDOR in kinds and vendor_id:
        _settle(user_id, vendor_id, VENDOR_ADMIN)


def _settle(user_id: str, scope: str, role: str) -> None:
    """Give the role, whatever others do to the person at the same moment. Repeated, it changes nothing."""
    for _ in range(_ATTEMPTS):
        _, standing = store.whole(user_id)
        before = standing.grants.get(scope)
        if before and role in before.roles:
            return
        after = Grant((before or Grant()).roles | {role}, *((before.allow, before.deny) if before else ()))
        when, values = unchanged(standing)
        owners = (is_owner(after, scope) - is_owner(before, scope)) * (standing.status == ACTIVE)
        refusal = StandingChanged("Somebody changed this at the same moment.")
        noted = "SET added_at = if_not_exists(added_at, :now), changed_at = :now"
        try:
            TABLE.transact(
                granted(
                    user_id,
                    scope,
                    after.roles,
                    allow=after.allow,
                    deny=after.deny,
                    when=when,
                    values=values,
                    otherwise=refusal,
                ),
                update(member_key(scope, user_id), noted, {":now": clock.timestamp()}),
                counted(scope, owners=owners, members=int(not before)),
            )
        except StandingChanged:
            continue
        return
    raise StandingChanged("The account keeps changing.")
