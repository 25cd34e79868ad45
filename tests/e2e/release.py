"""The files of a release, uploaded to a bucket as an operator does it: the zip under its SHA-256, and `packaged.yaml`."""

import contextlib
import hashlib

from local_aws import REGION, LocalAws
from provider import ROOT

ZIP = ROOT / "dist/bootstrap-x86_64.zip"
PACKAGED = ROOT / "dist/packaged.yaml"


def key_of(archive: bytes) -> str:
    return f"lambda-permission-provider/{hashlib.sha256(archive).hexdigest()}.zip"


def key_prefix() -> str:
    return key_of(ZIP.read_bytes()).removesuffix(".zip")


def upload(aws: LocalAws, bucket: str, **client: str) -> str:
    """Uploads both files, creates the bucket if needed, and returns the URL of the template."""
    s3 = aws.client("s3", **client)
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": client.get("region", REGION)})
    s3.put_object(Bucket=bucket, Key=f"{key_prefix()}.zip", Body=ZIP.read_bytes())
    s3.put_object(Bucket=bucket, Key=f"{key_prefix()}.yaml", Body=PACKAGED.read_bytes())
    return f"https://s3.amazonaws.com/{bucket}/{key_prefix()}.yaml"
