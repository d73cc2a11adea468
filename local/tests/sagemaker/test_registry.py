"""ECR says what is not there, and holds an image for a stack's endpoint to run."""

import pytest

from local.tests.sagemaker.conftest import DOCKER, REPOSITORY


@pytest.mark.parametrize("which", [{"imageTag": "none"}, {"imageDigest": f"sha256:{'0' * 64}"}])
def test_an_image_that_is_not_there_is_an_error(sagemaker, which):
    with pytest.raises(sagemaker.ecr.exceptions.ImageNotFoundException, match=REPOSITORY):
        sagemaker.ecr.describe_images(repositoryName=REPOSITORY, imageIds=[which])
    with pytest.raises(sagemaker.ecr.exceptions.RepositoryNotFoundException):
        sagemaker.ecr.describe_images(repositoryName="none", imageIds=[which])


def test_images_are_listed_by_whether_they_have_a_tag(sagemaker):
    first, second = sagemaker.push("moves"), sagemaker.push("moves", "another form")

    def listed(status: str) -> set[str]:
        images = sagemaker.ecr.describe_images(
            repositoryName=REPOSITORY, filter={"tagStatus": status}
        )
        return {image["imageDigest"] for image in images["imageDetails"]}

    assert second in listed("TAGGED") - listed("UNTAGGED")
    assert first in listed("UNTAGGED") - listed("TAGGED")
    assert {first, second} <= listed("ANY")


def test_a_stacks_serving_repository_holds_what_stands_in_for_a_push(sagemaker):
    name = sagemaker.name()
    resources = {
        ending: {
            "Type": "AWS::ECR::Repository",
            "Properties": {"RepositoryName": f"{name}-{ending}", "EmptyOnDelete": True},
        }
        for ending in ("serving", "other")
    }
    sagemaker.workshop.deploy(name, resources)
    sagemaker.ecr.create_repository(repositoryName=f"{name}-by-hand-serving")

    def images(ending: str) -> list[tuple]:
        found = sagemaker.ecr.describe_images(repositoryName=f"{name}-{ending}")["imageDetails"]
        return [(image["imageManifestMediaType"], image["imageTags"]) for image in found]

    assert images("serving") == [(DOCKER, ["local"])]
    assert images("other") == images("by-hand-serving") == []
    sagemaker.workshop.formation.delete_stack(StackName=name)
