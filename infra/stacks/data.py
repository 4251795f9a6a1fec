"""What must never be lost: the table, the media, the audit files and the secret from which all keys are derived."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import Stage
from infra.pinned import pin

INDEXES = ("by1", "by2", "by3")
AUDITED_DAYS = 3_653
"""Ten years, what tax laws ask for of books."""

UNFINISHED = Duration.days(2)
"""How long the parts of an upload that nobody completes are kept, and paid for."""


class DataStack(Stack):
    """Stateful: kept when the stage is lasting, logical ids pinned."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, **options: Any) -> None:
        super().__init__(scope, name, description="Table, media, audit files and root secret", **options)
        self.table = self._table(stage)
        self.media = self._media(stage)
        self.documents = self._documents(stage)
        self.audit = self._audit(stage)
        self.secret = self._secret(stage)
        self.payments = self._payments(stage)
        self.tax_secrets = self._tax(stage)
        if stage.edge:
            self._serve_media()
            self.origin = self._origin(stage)

    def _table(self, stage: Stage) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Table",
            table_name=stage.table,
            partition_key=_key("pk"),
            sort_key=_key("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=stage.lasting,
            removal_policy=stage.removal,
        )
        for index in INDEXES:
            table.add_global_secondary_index(
                index_name=index,
                partition_key=_key(f"{index}pk"),
                sort_key=_key(f"{index}sk"),
                projection_type=dynamodb.ProjectionType.INCLUDE,
                non_key_attributes=["card"],
            )
        return pin(table, "Table")

    def _media(self, stage: Stage) -> s3.Bucket:
        """What is below media/ is served to everybody; the other folders are for our functions only.

        S3 tells the account's default bus of every object: whoever wants to hear of arrivals makes a rule there.
        """
        bucket = self._bucket(
            stage,
            "Media",
            unlogged="What is shown is public; CloudFront logs who reads it, and only our functions write.",
            versioned=stage.lasting,
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=UNFINISHED),
                _ends("uploads/", days=1),
                *(
                    s3.LifecycleRule(prefix=folder, noncurrent_version_expiration=Duration.days(7))
                    for folder in ("evidence/", "media/avatars/", "media/med_", "media/pic_", "originals/")
                ),
            ],
            cors=[_browsers_send(stage)],
        )
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        return bucket

    def _documents(self, stage: Stage) -> s3.Bucket:
        """Invoices and credit notes, never deleted; exports, which end after a week, and imports, after a month.

        Read through our routes only, but for addresses that these sign.
        """
        return self._bucket(
            stage,
            "Documents",
            unlogged="Only our own functions read and write it, and they log who asked.",
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=UNFINISHED),
                _ends("exports/", days=7),
                _ends("imports/", days=30),
            ],
            cors=[_browsers_send(stage)],
        )

    def _audit(self, stage: Stage) -> s3.Bucket:
        """What is written here cannot be changed or deleted before its time, but by who may bypass governance."""
        return self._bucket(
            stage,
            "Audit",
            unlogged="Our own functions add to it and change nothing; CloudTrail knows who reads it.",
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.governance(
                Duration.days(AUDITED_DAYS if stage.lasting else 1)
            ),
            lifecycle_rules=[_to_cold_storage()],
        )

    def _bucket(self, stage: Stage, name: str, *, unlogged: str, **options: Any) -> s3.Bucket:
        """A private bucket that takes nothing unencrypted. unlogged: why it keeps no access log."""
        bucket = s3.Bucket(
            self,
            name,
            bucket_name=f"{stage.prefix}-{name.lower()}-{self.account}-{self.region}",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            removal_policy=stage.removal,
            **options,
        )
        acknowledge(bucket, "AwsSolutions-S1", unlogged)
        return pin(bucket, name)

    def _serve_media(self) -> None:
        """CloudFront reads for anyone what is for everybody; which distributions may is said by account, as theirs are
        made later."""
        self.media.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                resources=[self.media.arn_for_objects("media/*")],
                principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                conditions={"StringEquals": {"AWS:SourceAccount": self.account}},
            )
        )

    def _origin(self, stage: Stage) -> secrets.Secret:
        """What CloudFront sends along so that the API knows its requests."""
        secret = secrets.Secret(
            self,
            "OriginSecret",
            secret_name=stage.origin_secret,
            description="Proof that a request came through CloudFront",
            generate_secret_string=secrets.SecretStringGenerator(password_length=48, exclude_punctuation=True),
            removal_policy=stage.removal,
        )
        acknowledge(secret, "AwsSolutions-SMG4", "CloudFront and the API must change it together; a deployment does.")
        return pin(secret, "OriginSecret")

    def _payments(self, stage: Stage) -> secrets.Secret:
        """Credentials at payment providers, filled by an operator: `{"stripe": {"api_key": …}, …}`."""
        secret = secrets.Secret(
            self,
            "PaymentSecrets",
            secret_name=stage.payment_secrets,
            description="Our credentials at payment providers",
            secret_object_value={},
            removal_policy=stage.removal,
        )
        acknowledge(secret, "AwsSolutions-SMG4", "Providers give these keys out by hand, and a person changes them.")
        return pin(secret, "PaymentSecrets")

    def _tax(self, stage: Stage) -> secrets.Secret:
        """Credentials at tax services, filled by an operator: `{"avalara": {"account": …}, …}`."""
        secret = secrets.Secret(
            self,
            "TaxSecrets",
            secret_name=stage.tax_secrets,
            description="Our credentials at tax services",
            secret_object_value={},
            removal_policy=stage.removal,
        )
        acknowledge(secret, "AwsSolutions-SMG4", "The services give these keys out by hand, and a person changes them.")
        return pin(secret, "TaxSecrets")

    def _secret(self, stage: Stage) -> secrets.Secret:
        secret = secrets.Secret(
            self,
            "RootSecret",
            secret_name=stage.root_secret,
            description="Every other key of the stage is derived from this one",
            generate_secret_string=secrets.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=stage.removal,
        )
        acknowledge(
            secret,
            "AwsSolutions-SMG4",
            "Rotation would void signed cursors and webhook signatures at once; it is done by hand, with overlap.",
        )
        return pin(secret, "RootSecret")


def _ends(prefix: str, *, days: int) -> s3.LifecycleRule:
    """What is below `prefix` is deleted, its older versions a day later."""
    return s3.LifecycleRule(
        prefix=prefix, expiration=Duration.days(days), noncurrent_version_expiration=Duration.days(1)
    )


def _browsers_send(stage: Stage) -> s3.CorsRule:
    """Pages of ours send files straight to the bucket: with a form that we signed, or in parts, each to an address that
    we signed, whose ETags they give back to us when all are there."""
    return s3.CorsRule(
        allowed_methods=[s3.HttpMethods.POST, s3.HttpMethods.PUT],
        allowed_origins=list(stage.origins),
        allowed_headers=["*"],
        exposed_headers=["ETag"],
        max_age=3600,
    )


def _to_cold_storage() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        abort_incomplete_multipart_upload_after=UNFINISHED,
        transitions=[
            s3.Transition(storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=Duration.days(90))
        ],
    )


def _key(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
