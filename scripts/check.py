"""Check that this shell and this machine can deploy to AWS."""

import shutil
import subprocess
import sys
from collections.abc import Callable

import click

from service import config, terminal
from service.registry import ENGINES
from service.stack import Cloud
from service.terminal import UserError
from setup.__main__ import find_node
from setup.environment import SetupError, pip_environment
from setup.lock_layer import resolve

BAD = "!! "
PLATFORM = "manylinux_2_28_aarch64"  # of arm64, serverless.yml's own; the lock has both


@terminal.command("check", example="--stage dev")
@click.option("--stage", default="dev", metavar="STAGE", help="the stage that you will deploy")
def main(stage):
    """Check six things that a deployment needs, and say what to do about each."""
    checks: dict[str, Callable[[], str]] = {
        "Region": lambda: str(Cloud()),  # the environment's, for `sls` and the commands alike
        "Account": account,
        "Stage": lambda: stack_name(stage),
        "Node": node,
        "Functions": functions,
        "Image": image,
    }
    failed = 0
    for label, check in checks.items():
        try:
            terminal.print_line(label, check())
        except Exception as error:
            problem = str(error) if isinstance(error, SetupError) else terminal.explain(error)
            if problem is None:  # a bug
                raise
            terminal.print_line(label, f"{BAD}{problem}")
            failed += 1
    if failed:
        raise UserError(
            f"{failed} of {len(checks)} checks failed: see the lines with {BAD.strip()}"
        )


def account() -> str:
    """Return whose credentials these are."""
    try:
        cloud = Cloud()
    except UserError:
        raise UserError("not looked at without a region") from None
    caller = cloud.client("sts").get_caller_identity()
    return f"{caller['Account']}, as {caller['Arn']}"


def stack_name(stage: str) -> str:
    """Return the name of the stage's stack, if AWS takes all names that are made of it."""
    problem = config.stage_problem(stage) or config.stage_length_problem(stage)
    if problem:
        raise UserError(problem)
    return f"{stage}, the stack {config.service_name(stage)}"


def node() -> str:
    """Return the Node that `sls` runs on."""
    path, _ = find_node()
    if not (config.ROOT / "node_modules" / ".bin" / "sls").exists():
        raise UserError("sls is not installed: make setup")
    version = subprocess.run([path, "--version"], capture_output=True, text=True)  # noqa: S603
    return f"{version.stdout.strip()}, {path}"


def functions() -> str:
    """Return the functions' Python, if pip finds all packages of their layer for it."""
    version = config.load_service()["provider"]["runtime"].removeprefix("python")
    resolve(version, PLATFORM, pip_environment(sys.executable))
    return f"Python {version}, and pip finds the packages of their layer for it"


def image() -> str:
    """Return the engine that makes the serving image in Docker's form, as SageMaker wants it."""
    problems, form = [], "Docker's form of manifest, the one that SageMaker takes"
    for engine in ENGINES:
        command = [engine, "buildx"] if engine == "docker" else [engine]
        if not shutil.which(engine):
            problems.append(f"there is no {engine}")
        elif subprocess.run([*command, "version"], capture_output=True).returncode:  # noqa: S603
            problems.append(f"`{' '.join(command)}` does not run")
        else:
            return f"`make push{'' if engine == 'docker' else f' ENGINE={engine}'}` makes {form}"
    raise UserError(
        f"{'; '.join(problems)}. Install docker with its plugin buildx, podman or buildah: `make "
        f"push` has each of them make {form}"
    )


if __name__ == "__main__":
    terminal.run(main)
