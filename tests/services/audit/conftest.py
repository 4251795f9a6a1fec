from threading import Lock
from typing import Any

import pytest
from moto.s3.responses import S3Response

from market import config
from tests.services.audit.desk import BUCKET


@pytest.fixture
def bucket(database: str, environment: pytest.MonkeyPatch) -> Any:
    """A bucket with Object Lock, as the data stack makes it.

    S3 looks whether a name is taken and writes in one step; moto needs a lock for that.
    """
    lock, put_object = Lock(), S3Response.put_object

    def in_one_step(response: Any) -> Any:
        with lock:
            return put_object(response)

    environment.setattr(S3Response, "put_object", in_one_step)
    environment.setenv("AUDIT_BUCKET", BUCKET)
    environment.setenv("AUDIT_DAYS", "2557")
    s3 = config.client("s3")
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    return s3
