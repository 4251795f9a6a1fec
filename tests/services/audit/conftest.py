from typing import Any

import pytest

from market import config
from tests.services.audit.desk import BUCKET


@pytest.fixture
def bucket(database: str, environment: pytest.MonkeyPatch) -> Any:
    """A bucket with Object Lock, as the data stack makes it."""
    environment.setenv("AUDIT_BUCKET", BUCKET)
    environment.setenv("AUDIT_DAYS", "2557")
    s3 = config.client("s3")
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    return s3
