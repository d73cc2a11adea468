"""deploy.yml on this machine, from pushes to main to deployments on a local cloud.

Stand-ins: for the tests, for the action that sets up a runner, and for GitHub's tokens.
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.deployments import find_current
from scripts.serving_image import CONTEXT
from service.config import ROOT
from setup.environment import clean
from tests.ci import act
from tests.ci.github import create_roles
from tests.drawings import write_cifar_archive
from tests.integration.conftest import BUILT, copy_repository
from tests.integration.service import Service
from tests.models import model_archive

SLS = "node_modules/.bin/sls"
SERIALIZE, FILTER = "handlers/serialize_image_data.py", "handlers/filter_low_confidence.py"
BROKEN = "\n\ndef handler(event, context):\n    raise RuntimeError('broken')\n"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass
class Pipeline:
    """A repository, and the account that its workflows deploy to."""

    folder: Path
    stand_ins: Path
    account: Service

    def push(self, file: str, addition: str = "") -> tuple[bool, str]:
        """Push the repository's file with an addition; whether deploy.yml passed, its log."""
        (self.folder / file).write_text((ROOT / file).read_text() + addition)
        act.commit(self.folder)
        region = self.account.env["AWS_REGION"]
        stand_ins = (self.stand_ins / "credentials", self.stand_ins / "cache")
        done = act.run(self.folder, "push", "deploy.yml", *stand_ins, AWS_REGION=region)
        return done.returncode == 0, done.stdout + done.stderr

    def current(self, stage: str) -> int:
        """The time of the deployment that a stage runs."""
        return int(find_current(self.account.client("cloudformation"), stage))

    def newest(self, stage: str) -> int:
        """The time of the newest deployment that was made to a stage."""
        return max(int(key.split("/")[3].split("-")[0]) for key in self._uploaded(stage))

    def holds_layer(self, stage: str) -> bool:
        """Whether the deployment that a stage runs has the layer's file, to be rolled back to."""
        folder = f"/{self.current(stage)}-"
        return any(folder in key and "Dependencies" in key for key in self._uploaded(stage))

    def _uploaded(self, stage: str) -> list[str]:
        outputs = self.account.outputs_of(f"scones-vehicles-{stage}")
        return self.account.keys(bucket=outputs["ServerlessDeploymentBucketName"])

    def put_image(self, stage: str) -> None:
        """Put what `make push` would: the local cloud takes no images."""
        self.account.client("ecr").put_image(
            repositoryName=f"scones-vehicles-{stage}-serving",
            imageManifest=json.dumps({"schemaVersion": 2, "mediaType": DOCKER, "layers": []}),
            imageManifestMediaType=DOCKER,
            imageTag=act.git(self.folder, "log", "-1", "--format=%h", "--", CONTEXT),
        )


@pytest.fixture
def repository(tmp_path) -> Path:
    """This repository's files, committed, with stand-ins for the tests and a runner's set-up."""
    folder = copy_repository(tmp_path / "repository")
    (folder / ".ci" / "run").write_text("#!/bin/sh\n")
    links = [f"ln -s '{ROOT / name}' {name}" for name in BUILT]
    path = 'echo "$PWD/.venv/bin" >> "$GITHUB_PATH"'
    act.write_action(folder / act.SETUP, "what is installed here", "mkdir build", *links, path)
    act.commit(folder)
    return folder


@pytest.fixture
def pipeline(account, repository, tmp_path) -> Pipeline:
    """The workflows act as the roles of ci/roles.yml, on a token such as GitHub's."""
    roles = {create_roles(account, stage)["DeployRoleArn"] for stage in ("dev", "production")}
    [role] = {re.sub("dev|production", "${{ inputs.stage }}", arn) for arn in roles}
    # act has no variables of an environment.
    workflow = repository / ".github" / "workflows" / "deploy-stage.yml"
    workflow.write_text(workflow.read_text().replace("${{ vars.AWS_DEPLOY_ROLE }}", role))

    stand_ins = tmp_path / "stand-ins"
    own = dict(account.env.items() - clean().items())
    address = [f"{name}={own[name]}" for name in ("AWS_ENDPOINT_URL", "AWS_REGION")]
    assume = [f"PYTHONPATH={ROOT}", *address, sys.executable, "-m", "tests.ci.github"]
    act.write_action(
        stand_ins / "credentials" / "action.yml",
        "the local cloud",
        *(f"echo '{name}={value}' >> $GITHUB_ENV" for name, value in sorted(own.items())),
        f'{" ".join(assume)} "${{DEPLOYMENT_ROLE%-cloudformation}}" "$STAGE" >> $GITHUB_ENV',
    )
    return Pipeline(repository, stand_ins, account)


def put_model_behind_endpoint(account: Service, archive: Path) -> dict:
    """Let the stage dev have a dataset and an endpoint; returns a photo of the dataset."""
    batch = archive.with_name("batch.json")
    account.script("etl", "--archive", archive, "--batch", batch)
    model = account.put("training/a-job/output/model.tar.gz", model_archive("bicycle"))
    uri = f"s3://{model['s3_bucket']}/{model['s3_key']}"
    account.script("deploy_endpoint", "--model-data", uri, "--force")
    return json.loads(batch.read_text())["images"][0]


@pytest.mark.proof
def test_a_push_that_breaks_the_service_is_rolled_back(pipeline, tmp_path):
    account = pipeline.account
    account.run(SLS, "deploy", "--stage", "production")
    pipeline.put_image("production")
    by_hand = pipeline.current("production")

    # The stage's first deployment is broken, and there is none to go back to.
    passed, log = pipeline.push(SERIALIZE, BROKEN)
    assert not passed
    first = pipeline.current("dev")
    assert pipeline.current("production") == by_hand, log

    account.outputs.update(account.outputs_of("scones-vehicles-dev"))
    photo = put_model_behind_endpoint(account, write_cifar_archive(tmp_path / "cifar.tar.gz"))
    pipeline.put_image("dev")
    passed, log = pipeline.push(SERIALIZE)
    assert passed, log
    second = pipeline.current("dev")
    assert second > first
    assert pipeline.current("production") > by_hand
    assert pipeline.holds_layer("dev")
    assert account.classify([photo])["output"]["counts"]["failed"] == 0

    in_production = pipeline.current("production")
    passed, log = pipeline.push(FILTER, BROKEN)
    assert not passed
    assert pipeline.newest("dev") > second, log
    assert pipeline.current("dev") == second, log
    assert pipeline.current("production") == in_production
    assert account.classify([photo])["output"]["counts"]["failed"] == 0


@pytest.mark.proof
def test_a_pull_request_shows_what_it_would_deploy_without_credentials(repository, tmp_path):
    settings = repository / "serverless.yml"
    settings.write_text(settings.read_text().replace("memorySize: 512", "memorySize: 1024"))
    act.commit(repository)
    nobody = tmp_path / "nobody"
    nobody.mkdir()
    done = act.run(repository, "pull_request", "test.yml", nobody, tmp_path / "cache")
    log = done.stdout + done.stderr
    assert done.returncode == 0, log
    assert "| `ClassifyImageLambdaFunction` | changed |" in log
    assert "-Properties.MemorySize: 512" in log
    assert "+Properties.MemorySize: 1024" in log
