"""Makes somebody a super_admin: an operator's command, for the first one of a stage.

    TABLE_NAME=… USER_POOL_ID=… python -m tools.grant_staff ada@example.com "Ada Lovelace"

Runs with the operator's AWS credentials; the names are outputs of the stage's stacks. Without an account of that
address one is made, with a password that is asked for. Further staff are appointed over the API.
Repeated, it changes nothing.
"""

import sys
from getpass import getpass

from infra.services import import_from

import_from()


def main(arguments: list[str]) -> int:
    from identity import service
    from market.errors import Problem

    if len(arguments) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    email, name = arguments[0].strip().lower(), arguments[1].strip()
    try:
        if not service.make_staff(email):
            service.bootstrap(email, _chosen_password(), name, ["staff"])
    except Problem as problem:
        sys.stderr.write(f"{problem.title}: {problem.detail}\n")
        return 1
    sys.stderr.write("Done: the role is in the next token, at sign-in or refresh.\n")
    return 0


def _chosen_password() -> str:
    from identity.model import WeakPassword, require_strong

    password = getpass("Password for the new account: ")
    require_strong(password)
    if getpass("Once more: ") != password:
        raise WeakPassword("The two passwords differ.")
    return password


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
