import re

import pytest

from service import registry
from service.terminal import UserError
from tests.unit.service.memory_ecr import (
    DOCKER_FIRST,
    DOCKER_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
    REPOSITORY,
    MemoryEcr,
)


@pytest.fixture
def ecr():
    return MemoryEcr()


def test_the_newest_image_is_named_by_its_digest_and_where_there_is_none_the_way_to_one(ecr):
    with pytest.raises(UserError, match="make push STAGE=prod"):
        registry.newest(ecr, REPOSITORY, "prod")
    ecr.push("a1b2c3d")
    newest = ecr.push("e4f5a6b", "latest")
    ecr.push()  # of no tag: a part of another
    assert registry.newest(ecr, REPOSITORY, "dev") == f"{REPOSITORY}@{newest}"


def test_a_tag_is_resolved_and_a_digest_stays(ecr):
    digest = ecr.push("a1b2c3d", "latest")
    ecr.push("e4f5a6b")
    pinned = f"{REPOSITORY}@{digest}"
    both = f"{REPOSITORY}:e4f5a6b@{digest}"  # the digest counts, as for docker
    for named in (f"{REPOSITORY}:a1b2c3d", REPOSITORY, pinned, both):
        assert registry.resolve(ecr, named, "dev") == pinned
    with pytest.raises(UserError, match=r"no image .*:none"):
        registry.resolve(ecr, f"{REPOSITORY}:none", "dev")


@pytest.mark.parametrize("kind", [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_FIRST, None])
def test_an_image_that_sagemaker_refuses_is_refused_before_it_does(ecr, kind):
    digest = ecr.push("latest", kind=kind)
    for find, image in (
        (registry.newest, REPOSITORY),
        (registry.resolve, f"{REPOSITORY}:latest"),
        (registry.resolve, f"{REPOSITORY}@{digest}"),
    ):
        with pytest.raises(UserError, match=rf"{re.escape(str(kind))}.*make push STAGE=dev"):
            find(ecr, image, "dev")


def test_what_is_no_image_of_a_private_repository_or_of_another_region_is_refused(ecr):
    named = ("", "python:3.13", f"https://{REPOSITORY}:latest", f"{REPOSITORY}:latest\n")
    for image in (*named, f"{REPOSITORY}@sha256:abc"):
        with pytest.raises(UserError, match=r"is no image in a private repository .* make push"):
            registry.resolve(ecr, image, "dev")
    elsewhere = f"{REPOSITORY.replace('eu-west-1', 'eu-central-1')}:latest"
    with pytest.raises(UserError, match=r"lies in eu-central-1.* own region, eu-west-1\."):
        registry.resolve(ecr, elsewhere, "dev")


def test_the_login_is_the_tokens(ecr):
    assert registry.login(ecr) == ("AWS", "a:pass word")
