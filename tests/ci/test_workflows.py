"""Which commands the workflows run, in order, and what ends them: the commands only record that."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from setup.environment import REPOSITORY
from tests.ci import act
from tests.programs import write_program

BEFORE = "1795930569677"
ACCOUNT = {"AWS_REGION": "eu-central-1", "AWS_DEPLOY_ROLE": "arn:aws:iam::123456789012:role/ci"}
# It stands in for `sls`, `python` and .ci/run.
COMMAND = """\
command="${0##*/} $*"
echo "$command" >> FOLDER/record
case "$command" in
  *"packages digests"*) sed "s/STAGE/$STAGE/" FOLDER/digests ;;
  *"deployments current"*) echo BEFORE ;;
esac
while read -r code words; do
  case "$command" in *"$words"*) exit "$code" ;; esac
done < FOLDER/fails
"""


@dataclass
class Repository:
    """The workflows of this repository, and a machine whose commands are recorded."""

    folder: Path

    @property
    def machine(self) -> Path:
        return self.folder.parent / "machine"

    def run(self, event: str, workflow: str, fails: str = "", digests: str = "a.zip=1", **account):
        """Run a workflow, in which commands fail: lines of an exit code and a command's words.

        The exit code, and the commands.
        """
        record = self.machine / "record"
        record.write_text("")
        (self.machine / "digests").write_text(digests)
        (self.machine / "fails").write_text(f"{fails}\n" if fails else "")
        credentials, cache = self.machine / "credentials", self.machine / "cache"
        done = act.run(self.folder, event, workflow, credentials, cache, **account)
        return done.returncode, record.read_text().splitlines(), done.stdout + done.stderr


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Repository:
    folder = tmp_path_factory.mktemp("workflows") / "repository"
    shutil.copytree(REPOSITORY / ".github", folder / ".github")
    repository = Repository(folder)
    bin_folder = repository.machine / "bin"
    text = COMMAND.replace("FOLDER", str(repository.machine)).replace("BEFORE", BEFORE)
    for path in (bin_folder / "sls", bin_folder / "python", folder / ".ci" / "run"):
        write_program(path, text)
    act.write_action(folder / act.SETUP, "a machine", f'echo "{bin_folder}" >> "$GITHUB_PATH"')
    act.write_action(repository.machine / "credentials" / "action.yml", "AWS", "true")
    act.commit(folder)
    return repository


def stages(commands: list[str], words: str) -> list[str]:
    """The stages of the commands with these words, which each command names after them."""
    found = [command.split(words, 1)[1] for command in commands if words in command]
    return [rest.replace("--stage", "").split()[0] for rest in found]


@pytest.mark.parametrize(
    ("case", "code", "deployed", "rolled_back"),
    [
        ({}, 0, ["dev", "production"], []),
        ({"fails": "1 run"}, 1, [], []),
        ({"fails": "1 packages digests"}, 1, [], []),
        ({"fails": "1 deployments current"}, 1, [], []),
        ({"fails": "1 deploy --stage dev"}, 1, ["dev"], []),
        ({"fails": "1 smoke_test --stage dev"}, 1, ["dev"], ["dev"]),
        ({"fails": "1 smoke_test --stage production"}, 1, ["dev", "production"], ["production"]),
        ({"fails": "1 serving_image --stage dev"}, 1, ["dev"], []),
        ({"digests": "a.zip=STAGE"}, 1, ["dev"], []),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else None,
)
def test_a_push_goes_as_far_as_its_checks_pass(repository, case, code, deployed, rolled_back):
    status, commands, said = repository.run("push", "deploy.yml", **case, **ACCOUNT)
    assert status == code, said
    assert stages(commands, "sls deploy") == deployed
    assert stages(commands, "deployments roll-back") == rolled_back
    assert all(command.endswith(BEFORE) for command in commands if "roll-back" in command)


def test_a_repository_without_an_account_tests_alone(repository):
    status, commands, said = repository.run("push", "deploy.yml")
    assert (status, commands) == (0, ["run "]), said


@pytest.mark.parametrize(("exit_code", "fails"), [(0, False), (1, True), (2, True), (3, False)])
def test_a_report_that_lacks_data_is_no_failure_and_one_with_a_violation_is(
    repository, exit_code, fails
):
    failing = f"{exit_code} monitor report" if exit_code else ""
    status, commands, said = repository.run("schedule", "monitor.yml", failing, **ACCOUNT)
    assert len(commands) == 1
    assert (status != 0) == fails, said


@pytest.mark.parametrize(("fails", "stages"), [("", 2), ("1 deploy_endpoint", 1)])
def test_a_model_goes_on_to_production_where_the_gate_of_dev_lets_it_pass(
    repository, fails, stages
):
    status, commands, said = repository.run("workflow_dispatch", "retrain.yml", fails, **ACCOUNT)
    assert (status == 0) == (not fails), said
    counts = {
        words: sum(words in command for command in commands)
        for words in ("deploy_endpoint", "baseline", "scripts.etl")
    }
    assert counts == {"deploy_endpoint": stages, "baseline": 0 if fails else 2, "scripts.etl": 0}
