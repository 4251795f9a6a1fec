"""`python -m infra.rehearse.proofs --url URL`: what the demo does not tell. A flag that AppConfig publishes, and files
that nobody deletes. Exits with 1 if either is not so.

Reads the functions' settings from the environment.
"""

import argparse
import os
import sys
from collections.abc import Mapping

import boto3
from botocore.exceptions import ClientError

from demo.client import Client, NotInTime, until
from demo.shopper import Shopper, Untrue, expect
from store.people import STAFF

FLAG = "custom-homepages"


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m infra.rehearse.proofs", description=__doc__)
    arguments.add_argument("--url", required=True)
    client = Client(arguments.parse_args().url)
    try:
        a_flag_is_published(client)
        files_stay(os.environ)
    except (Untrue, NotInTime) as failure:
        sys.stderr.write(f"Not proven: {failure}\n")
        return 1
    sys.stdout.write("A flag went through AppConfig to the functions; the audit's files cannot be deleted.\n")
    return 0


def a_flag_is_published(client: Client) -> None:
    """Staff turn it on; the consumer deploys it, and functions ask for it once their memory is a minute old."""
    staff = Shopper(client, STAFF.name)
    staff.log_in(STAFF.email, STAFF.password)
    wish = {"enabled": True, "value": True}
    expect(client.call("PUT", f"/v1/admin/flags/{FLAG}", wish, token=staff.token), 200, "the flag is set")
    until(lambda: client.call("GET", "/v1/flags").json["flags"][FLAG], f"the flag {FLAG}")


def files_stay(settings: Mapping[str, str]) -> None:
    """Even who may do anything in the account is refused, unless they say that they bypass the lock."""
    s3, bucket = boto3.client("s3"), settings["AUDIT_BUCKET"]
    until(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"), "the first file of events")
    newest = s3.list_object_versions(Bucket=bucket)["Versions"][0]
    try:
        s3.delete_object(Bucket=bucket, Key=newest["Key"], VersionId=newest["VersionId"])
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "AccessDenied":
            raise
        return
    raise Untrue(f"{newest['Key']} could be deleted")


if __name__ == "__main__":
    sys.exit(main())
