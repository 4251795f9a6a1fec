"""`python -m infra.rehearse.seed`: fill the deployed store as an operator would, who makes the first person of staff.

Reads API_URL and the functions' settings from the environment.
"""

import importlib
import os
import secrets

import boto3

from infra.services import import_from

STAFF = "staff@marketplace.example"
GENEROUS = "1000"
"""Percent of the normal rate limits: everybody in a rehearsal comes from one address."""


def main() -> None:
    import_from()
    boto3.client("ssm").put_parameter(Name=f"{os.environ['SETTINGS_PATH']}/RATE_LIMIT", Value=GENEROUS, Type="String")
    login = {"email": STAFF, "password": f"{secrets.token_urlsafe(15)}-aA1!"}
    roles = ("customer", "staff")
    importlib.import_module("identity.service").bootstrap(login["email"], login["password"], "Sam Staff", roles=roles)
    importlib.import_module("store.seed").seed(os.environ["API_URL"], login)


if __name__ == "__main__":
    main()
