"""What a release is made of, in buckets as an operator uploads it: the zip under its SHA-256, and `packaged.yaml`."""

import contextlib
import hashlib

from provider import ROOT
from local_aws import REGION, Engine

ZIP = ROOT / "dist/bootstrap.zip"
PACKAGED = ROOT / "dist/packaged.yaml"


def key() -> str:
    return f"layer-permission-provider/{hashlib.sha256(ZIP.read_bytes()).hexdigest()}"


def upload(engine: Engine, bucket: str, **where: str) -> str:
    """Uploads it to a bucket, which is made if there is none, and tells the address of the template."""
    s3 = engine.client("s3", **where)
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": where.get("region", REGION)})
    s3.put_object(Bucket=bucket, Key=f"{key()}.zip", Body=ZIP.read_bytes())
    s3.put_object(Bucket=bucket, Key=f"{key()}.yaml", Body=PACKAGED.read_bytes())
    return f"https://s3.amazonaws.com/{bucket}/{key()}.yaml"
