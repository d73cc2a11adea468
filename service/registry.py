"""Container images in Amazon ECR: the newest, or one by name, in a form that SageMaker takes."""

import base64
import re

from service.aws_errors import call_unless_refused
from service.terminal import UserError

IMAGE = re.compile(
    r"(?P<uri>[0-9]{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/[a-z0-9._/-]+)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
# The only form that SageMaker is known to take; `make push` makes it. docker with containerd's
# store, buildx, podman and buildah make an index or a manifest of the OCI by default.
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
# The programs that `make push` can build the image with.
ENGINES = ("docker", "podman", "buildah")
MISSING = ("ImageNotFoundException", "RepositoryNotFoundException")


def newest(ecr, repository: str, stage: str) -> str:
    """Return `repository@sha256:...` of the image pushed last. UserError if there is none."""
    name = repository.partition("/")[2]
    pages = ecr.get_paginator("describe_images").paginate(
        repositoryName=name, filter={"tagStatus": "TAGGED"}
    )
    images = [image for page in pages for image in page["imageDetails"]]
    if not images:
        raise UserError(f"The repository {name} holds no image yet. Push one: {_push(stage)}")
    image = max(images, key=lambda image: image["imagePushedAt"])
    return _pin(repository, image["imageTags"][0], image, stage)


def resolve(ecr, image: str, stage: str) -> str:
    """Return `repository@sha256:...` of a named image. UserError if SageMaker would refuse it."""
    parts = IMAGE.fullmatch(image)
    region = ecr.meta.region_name
    if not parts:
        raise UserError(
            f"{image!r} is no image in a private repository of Amazon ECR, as SageMaker wants it: "
            f"ACCOUNT.dkr.ecr.{region}.amazonaws.com/REPOSITORY:TAG or REPOSITORY@sha256:DIGEST. "
            f"Push one: {_push(stage)}"
        )
    if parts["region"] != region:
        raise UserError(
            f"The image {image} lies in {parts['region']}, and SageMaker takes only images of the "
            f"endpoint's own region, {region}. Push it there: {_push(stage)}"
        )
    name = parts["digest"] or parts["tag"] or "latest"
    image_id = {"imageDigest" if parts["digest"] else "imageTag": name}
    found = _find(ecr, parts["uri"], image_id)
    if found is None:
        raise UserError(f"There is no image {image}. Push one: {_push(stage)}")
    return _pin(parts["uri"], name, found, stage)


def holds(ecr, repository: str, tag: str) -> bool:
    """Whether the repository holds an image of this tag."""
    return _find(ecr, repository, {"imageTag": tag}) is not None


def login(ecr) -> tuple[str, str]:
    """Return the registry's user and password, which are valid for twelve hours."""
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return user, password


def _find(ecr, repository: str, image_id: dict[str, str]) -> dict | None:
    host, _, name = repository.partition("/")
    request = {"registryId": host.partition(".")[0], "repositoryName": name}
    answer = call_unless_refused(MISSING, ecr.describe_images, **request, imageIds=[image_id])
    return answer and answer["imageDetails"][0]


def _pin(repository: str, name: str, image: dict, stage: str) -> str:
    kind = image.get("imageManifestMediaType")
    if kind != MANIFEST_TYPE:
        raise UserError(
            f"The image {name} in {repository} has a manifest of the form {kind}; SageMaker "
            f"takes Docker's, {MANIFEST_TYPE}. Push it in that: {_push(stage)}"
        )
    return f"{repository}@{image['imageDigest']}"


def _push(stage: str) -> str:
    return f"make push STAGE={stage} (ENGINE=podman or buildah where there is no docker)"
