"""Media: what is complete in the bucket reaches a function, one at a time, and each folder only whom it concerns."""

import json
from typing import Any

import pytest

from infra.config import STAGES
from tests.infra.assembly import Assembly, as_list

pytestmark = pytest.mark.contract("6.1", "6.2")


@pytest.fixture(params=["dev", "prod"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    return request.getfixturevalue(request.param)


def _bucket(assembly: Assembly, name: str) -> dict[str, Any]:
    (found,) = [bucket for where, bucket in assembly.properties("AWS::S3::Bucket") if where == f"Data/{name}"]
    return found


def _granted(assembly: Assembly, function: str, service: str = "Media") -> dict[str, dict[str, Any]]:
    """Statements about files of a function of media, or of another service, by their id."""
    return {
        statement["Sid"]: statement
        for where, policy in assembly.properties("AWS::IAM::Policy")
        if where.startswith(f"{service}Service/Service{function}Role")
        for statement in policy["PolicyDocument"]["Statement"]
        if "Sid" in statement and "s3:" in str(statement["Action"])
    }


def _folders(statement: dict[str, Any]) -> set[str]:
    texts = (json.dumps(arn) for arn in as_list(statement["Resource"]))
    return {text.rpartition("/")[0].partition("/")[2] + "/" + text.rpartition("/")[2].strip('"]}') for text in texts}


def test_the_bucket_tells_the_default_bus_and_one_queue_hears_of_complete_uploads(assembly: Assembly) -> None:
    told = _bucket(assembly, "Media")["NotificationConfiguration"]
    assert told == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    ((template, rule),) = [
        (template, rule["Properties"])
        for template, _, rule in assembly.all("AWS::Events::Rule")
        if rule["Properties"]["EventPattern"].get("source") == ["aws.s3"]
    ]
    assert "EventBusName" not in rule, "S3's own events come by the default bus"
    assert rule["EventPattern"]["detail-type"] == ["Object Created"]
    detail = rule["EventPattern"]["detail"]
    assert detail["object"] == {"key": [{"prefix": "uploads/media/"}]}, "not what a function writes itself: no circle"
    assert f"market-{assembly.stage}-media-" in str(detail["bucket"]["name"])
    (target,) = rule["Targets"]
    queue = assembly.target(template, target["Arn"])["Properties"]
    assert queue["QueueName"] == f"market-{assembly.stage}-media-arrivals"
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert target["DeadLetterConfig"]


def test_a_picture_is_worked_on_by_itself_and_only_some_at_once(assembly: Assembly) -> None:
    (mapping,) = [
        mapping
        for where, mapping in assembly.properties("AWS::Lambda::EventSourceMapping")
        if where.startswith("MediaService/") and mapping["BatchSize"] == 1
    ]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 10}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    function = assembly.function("MediaService", mapping["FunctionName"])["Properties"]
    assert function["FunctionName"] == f"market-{assembly.stage}-media-processing"


def test_who_takes_requests_never_writes_what_the_shop_shows(assembly: Assembly) -> None:
    granted = _granted(assembly, "Api")
    assert set(granted) == {"Uploads", "Shown", "Forgotten", "Listed"}
    assert _folders(granted["Uploads"]) == {"uploads/media/*"}
    assert (_folders(granted["Shown"]), granted["Shown"]["Action"]) == ({"evidence/*"}, "s3:GetObject")
    assert granted["Forgotten"]["Action"] == "s3:DeleteObject"
    assert granted["Listed"]["Action"] == "s3:ListBucket"


def test_who_works_on_media_reaches_its_folders_and_no_others_of_the_bucket(assembly: Assembly) -> None:
    granted = _granted(assembly, "Processing")
    assert set(granted) == {"MediaFiles", "Listed"}
    assert _folders(granted["MediaFiles"]) == {"uploads/media/*", "evidence/*", "media/med_*", "originals/*"}


def test_only_the_sweep_deletes_pictures_that_the_catalog_stored(assembly: Assembly) -> None:
    granted = _granted(assembly, "Schedule")["Pictures"]
    assert (granted["Action"], _folders(granted)) == ("s3:DeleteObject", {"media/pic_*"})


@pytest.mark.parametrize("function", ["Media", "Tasks"])
def test_the_catalog_adds_pictures_and_reads_no_file_of_others(assembly: Assembly, function: str) -> None:
    granted = _granted(assembly, function, "Catalog")["Media"]
    assert (granted["Action"], _folders(granted)) == ("s3:PutObject", {"media/pic_*"})


def test_browsers_send_files_in_parts_from_our_pages_only(assembly: Assembly) -> None:
    for name in ("Media", "Documents"):
        (rule,) = _bucket(assembly, name)["CorsConfiguration"]["CorsRules"]
        assert rule["AllowedMethods"] == ["POST", "PUT"]
        assert rule["AllowedOrigins"] == list(STAGES[assembly.stage].origins)
        assert rule["ExposedHeaders"] == ["ETag"]


def test_parts_of_an_upload_that_nobody_completes_are_not_paid_for_long(assembly: Assembly) -> None:
    for name in ("Media", "Documents"):
        rules = _bucket(assembly, name)["LifecycleConfiguration"]["Rules"]
        aborted = "AbortIncompleteMultipartUpload"
        assert [rule[aborted] for rule in rules if aborted in rule] == [{"DaysAfterInitiation": 2}]


def test_cloudfront_reads_what_is_for_everybody_and_pages_of_ours_may_look_into_models(assembly: Assembly) -> None:
    (policy,) = [
        properties["PolicyDocument"]["Statement"]
        for where, properties in assembly.properties("AWS::S3::BucketPolicy")
        if where.startswith("Data/Media")
    ]
    (served,) = [one for one in policy if one["Principal"] == {"Service": "cloudfront.amazonaws.com"}]
    assert served["Action"] == "s3:GetObject"
    assert json.dumps(served["Resource"]).endswith('"/media/*"]]}'), "neither originals nor evidence"
    (cors,) = [
        properties["ResponseHeadersPolicyConfig"]["CorsConfig"]
        for _, properties in assembly.properties("AWS::CloudFront::ResponseHeadersPolicy")
        if "CorsConfig" in properties["ResponseHeadersPolicyConfig"]
    ]
    assert cors["AccessControlAllowOrigins"]["Items"] == list(STAGES[assembly.stage].origins)
    assert cors["AccessControlAllowCredentials"] is False
