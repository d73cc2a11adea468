"""ECR in memory: one repository of this account, and the login."""

import base64
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from tests.unit.refusals import refusal

ACCOUNT = "123456789012"
REGION = "eu-west-1"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/scones-vehicles-dev-serving"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_FIRST = "application/vnd.docker.distribution.manifest.v1+prettyjws"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class MemoryEcr:
    def __init__(self):
        self.images: list[dict] = []
        self.meta = SimpleNamespace(region_name=REGION)

    def push(self, *tags: str, kind: str = DOCKER) -> str:
        """Add an image and return its digest."""
        number = len(self.images) + 1
        digest = f"sha256:{number:064x}"
        pushed = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(number)
        image = {"imageDigest": digest, "imagePushedAt": pushed, "imageManifestMediaType": kind}
        self.images.insert(0, image | ({"imageTags": list(tags)} if tags else {}))
        return digest

    def describe_images(self, registryId, repositoryName, imageIds):  # noqa: N803
        (wanted,) = imageIds
        for image in self.images:
            tagged = wanted.get("imageTag") in image.get("imageTags", [])
            if tagged or wanted.get("imageDigest") == image["imageDigest"]:
                return {"imageDetails": [image]}
        raise refusal("ImageNotFoundException")

    def get_paginator(self, operation):
        assert operation == "describe_images"
        return self

    def paginate(self, repositoryName, filter):  # noqa: N803
        assert repositoryName in REPOSITORY
        assert filter == {"tagStatus": "TAGGED"}
        yield {"imageDetails": []}
        yield {"imageDetails": [image for image in self.images if image.get("imageTags")]}

    def get_authorization_token(self):
        token = base64.b64encode(b"AWS:a:pass word").decode()
        return {"authorizationData": [{"authorizationToken": token}]}
