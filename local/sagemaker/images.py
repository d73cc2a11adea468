"""Container images: those that this machine can stand in for, and their records in ECR.

There is no Docker here: the local cloud knows the images that local.yml names and runs what is in
them under its own Python. Any other image is refused.

CloudFormation puts into an empty repository of serving images what stands in for the image that is
pushed there on AWS: a manifest in Docker's form without layers, tagged `local`. A repository made
by CreateRepository stays empty.
"""

import json
import re
import sys
from typing import Any

from ministack.core import responses
from ministack.core.responses import get_account_id, get_region
from ministack.services import ecr
from ministack.services.cloudformation import provisioners

from local import seams, settings
from local.sagemaker.requests import invalid

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_IMAGE = re.compile(
    r"(?P<uri>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+))(?::(?P<tag>[^@:]+)|@(?P<digest>.+))?"
)


def check_training_image(image: str) -> None:
    """Raise ValidationException unless jobs with this image can run here."""
    parts = _IMAGE.fullmatch(image)
    own = parts and parts["account"] == get_account_id()
    repositories = settings.read().training
    if not parts or own or parts["repository"] not in repositories:
        raise invalid(
            f"The local cloud cannot run the training image {image}. It knows AWS's PyTorch "
            f"training images (repository {' or '.join(repositories)})."
        )


def check_serving_image(image: str) -> str:
    """The serving image by its digest, as endpoints describe it.

    Raises ValidationException for an image that the local cloud does not know, that the account's
    ECR does not hold, or that has a form which SageMaker refuses. People report AWS's messages:
    aws-samples/easy-amazon-sagemaker-deployments#4 for an image that is not there,
    aws/amazon-sagemaker-feedback#180 for its form.
    """
    parts = _IMAGE.fullmatch(image)
    account, region = get_account_id(), get_region()
    own = parts and (parts["account"], parts["region"]) == (account, region)
    if not own or not settings.read().serving_program(parts["repository"]):
        raise invalid(
            f"The local cloud cannot run the serving image {image}. It knows this service's own: "
            f"{account}.dkr.ecr.{region}.amazonaws.com/"
            f"{' or '.join(settings.read().serving)}."
        )
    for found in ecr._images.get(parts["repository"]) or []:
        digest, kind = found["imageDigest"], found["imageManifestMediaType"]
        tagged = (parts["tag"] or "latest") in found["imageTags"]
        if not (digest == parts["digest"] if parts["digest"] else tagged):
            continue
        if kind.startswith("application/vnd.oci."):
            raise invalid(
                f"Unsupported manifest media type {kind} for image {image}. Ensure that valid "
                "manifest media type is used for specified image."
            )
        return f"{parts['uri']}@{digest}"
    raise invalid(f"Requested image {image} not found.")


def serving_command(image: str) -> list[str]:
    """The command that serves a model of this image."""
    program = settings.read().serving_program(_IMAGE.fullmatch(image)["repository"])
    return [sys.executable, str(program)]


@seams.replaces(ecr, "_describe_images")
def describe_images(original: Any, request: dict[str, Any]) -> Any:
    """MiniStack's response to DescribeImages: it knows no absent image and no filter."""
    name = request.get("repositoryName", "")
    for wanted in request.get("imageIds") or []:
        if name in ecr._repositories and not ecr._find_image(name, wanted):
            digest, tag = wanted.get("imageDigest", "null"), wanted.get("imageTag", "null")
            return responses.error_response_json(
                "ImageNotFoundException",
                f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not "
                f"exist within the repository with name '{name}' in the registry with id "
                f"'{ecr._registry_id()}'",
                400,
            )
    answer = original(request)
    status = (request.get("filter") or {}).get("tagStatus", "ANY")
    if answer[0] != 200 or status == "ANY":
        return answer
    details = json.loads(answer[2])["imageDetails"]
    tagged = status == "TAGGED"
    return responses.json_response(
        {"imageDetails": [each for each in details if bool(each["imageTags"]) == tagged]}
    )


@seams.replaces(provisioners, "_ecr_repo_apply_policies")
def put_stand_in(original: Any, name: str, properties: dict[str, Any]) -> None:
    """Called for a repository that CloudFormation has just made or changed."""
    original(name, properties)
    if settings.read().serving_program(name) and not ecr._images.get(name):
        manifest = json.dumps({"schemaVersion": 2, "mediaType": DOCKER, "layers": []})
        image = {"imageManifest": manifest, "imageManifestMediaType": DOCKER, "imageTag": "local"}
        ecr._put_image({"repositoryName": name, **image})
