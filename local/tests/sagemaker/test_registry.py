"""ECR says what is not there, and holds an image for a stack's endpoint to run."""

import json

import pytest

from local.tests.conftest import until
from local.tests.sagemaker.conftest import DOCKER, REPOSITORY


@pytest.mark.parametrize("which", [{"imageTag": "none"}, {"imageDigest": f"sha256:{'0' * 64}"}])
def test_an_image_that_is_not_there_is_an_error(sagemaker, which):
    with pytest.raises(sagemaker.ecr.exceptions.ImageNotFoundException, match=REPOSITORY):
        sagemaker.ecr.describe_images(repositoryName=REPOSITORY, imageIds=[which])
    with pytest.raises(sagemaker.ecr.exceptions.RepositoryNotFoundException):
        sagemaker.ecr.describe_images(repositoryName="none", imageIds=[which])


def test_images_are_listed_by_whether_they_have_a_tag(sagemaker):
    first, second = sagemaker.push("moves"), None
    second = sagemaker.ecr.put_image(
        repositoryName=REPOSITORY, imageManifest='{"schemaVersion": 2}', imageTag="moves"
    )["image"]["imageId"]["imageDigest"]

    def listed(status: str) -> set[str]:
        pages = sagemaker.ecr.get_paginator("describe_images").paginate(
            repositoryName=REPOSITORY, filter={"tagStatus": status}
        )
        return {image["imageDigest"] for page in pages for image in page["imageDetails"]}

    assert second in listed("TAGGED") - listed("UNTAGGED")
    assert first in listed("UNTAGGED") - listed("TAGGED")
    assert {first, second} <= listed("ANY")


def test_a_stacks_serving_repository_holds_what_stands_in_for_a_push(session, sagemaker):
    stacks, name = session.client("cloudformation"), sagemaker.name()
    resources = {
        ending: {
            "Type": "AWS::ECR::Repository",
            "Properties": {"RepositoryName": f"{name}-{ending}", "EmptyOnDelete": True},
        }
        for ending in ("serving", "other")
    }
    stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    until(
        lambda: stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
        lambda status: status == "CREATE_COMPLETE",
    )
    (image,) = sagemaker.ecr.describe_images(repositoryName=f"{name}-serving")["imageDetails"]
    assert image["imageManifestMediaType"] == DOCKER
    assert image["imageTags"] == ["local"]
    assert sagemaker.ecr.describe_images(repositoryName=f"{name}-other")["imageDetails"] == []
    sagemaker.ecr.create_repository(repositoryName=f"{name}-by-hand-serving")
    made = sagemaker.ecr.describe_images(repositoryName=f"{name}-by-hand-serving")
    assert made["imageDetails"] == []
    stacks.delete_stack(StackName=name)
