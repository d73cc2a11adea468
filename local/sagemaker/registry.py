"""ECR as SageMaker and its users see it: which image a name stands for, and in which form it is.

MiniStack keeps what is pushed or put. It answers DescribeImages of an image that is not there with
an empty list and passes over the filter, where AWS refuses and filters; that is mended here.

There is no engine that could build or push an image, and nothing would run it: the program that
local.yml names runs under the local cloud's own Python. So CloudFormation puts into an empty
repository of such images what stands in for the image that is pushed there on AWS: a manifest in
Docker's form without layers, tagged `local`. A repository made by CreateRepository stays empty.
"""

import hashlib
import json
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import ecr
from ministack.services.cloudformation import provisioners

from local import seams, settings
from local.sagemaker.errors import validation_exception
from local.sagemaker.records import Scope

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_REFUSED = "application/vnd.oci."
_STAND_IN = "local"
_TAGS = "imageTags"


def install() -> None:
    """Mend DescribeImages, and give the stack's repository its image."""
    seams.replace(ecr, "_describe_images", _describe_images)
    seams.replace(provisioners, "_ecr_repo_apply_policies", _put_stand_in)


def check(image: str, scope: Scope, repository: str, tag: str | None, digest: str | None) -> str:
    """Return the digest of an image of the account; raises CreateModel's ValidationException.

    AWS's words are those that people report: aws-samples/easy-amazon-sagemaker-deployments#4 for
    an image that is not there, aws/amazon-sagemaker-feedback#180 for its form.
    """
    images = ecr._images.get_scoped(scope.account, scope.region, repository) or []
    for found in images:
        named = found["imageDigest"] == digest if digest else (tag or "latest") in found[_TAGS]
        if named:
            kind = found["imageManifestMediaType"]
            if kind.startswith(_REFUSED):
                raise validation_exception(
                    f"Unsupported manifest media type {kind} for image {image}. Ensure that valid "
                    "manifest media type is used for specified image."
                )
            return found["imageDigest"]
    raise validation_exception(f"Requested image {image} not found.")


def _describe_images(original: Any, data: dict[str, Any]) -> Any:
    name = data.get("repositoryName", "")
    for wanted in data.get("imageIds") or []:
        if name in ecr._repositories and not ecr._find_image(name, wanted):
            digest, tag = wanted.get("imageDigest", "null"), wanted.get("imageTag", "null")
            return error_response_json(
                "ImageNotFoundException",
                f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not "
                f"exist within the repository with name '{name}' in the registry with id "
                f"'{ecr._registry_id()}'",
                400,
            )
    answer = original(data)
    status = (data.get("filter") or {}).get("tagStatus", "ANY")
    if answer[0] != 200 or status == "ANY":
        return answer
    details = json.loads(answer[2])["imageDetails"]
    tagged = status == "TAGGED"
    return json_response(
        {"imageDetails": [each for each in details if bool(each[_TAGS]) == tagged]}
    )


def _put_stand_in(original: Any, name: str, properties: dict[str, Any]) -> None:
    """Called for a repository that CloudFormation has just made or changed."""
    original(name, properties)
    if settings.read().serving_program(name) and not ecr._images.get(name):
        config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
        manifest = {
            "schemaVersion": 2,
            "mediaType": DOCKER,
            "config": {
                "mediaType": _CONFIG,
                "size": len(config),
                "digest": f"sha256:{hashlib.sha256(config).hexdigest()}",
            },
            "layers": [],
        }
        ecr._put_image(
            {
                "repositoryName": name,
                "imageManifest": json.dumps(manifest),
                "imageManifestMediaType": DOCKER,
                "imageTag": _STAND_IN,
            }
        )
