"""The serving container: built from model/ and pushed to the stage's repository.

SageMaker takes Docker's image format alone, and each engine needs options to make it.
"""

import shutil
import subprocess

import click

from service import config, options, registry, terminal
from service.stack import Cloud, find_stack

CONTEXT = "model"
PLATFORM = ("--platform", "linux/amd64")
# With attestations the image would be an index and not the manifest of one platform.
NO_ATTESTATIONS = ("--provenance=false", "--sbom=false")
LOCAL_REGISTRY = "000000000000."


@terminal.command("serving_image", example="--engine podman")
@options.stage
@click.option(
    "--engine",
    type=click.Choice(registry.ENGINES),
    default=registry.ENGINES[0],
    help="the program that builds it",
)
@click.option("--if-missing", is_flag=True, help="unless the repository holds this commit's image")
def main(stage, engine, if_missing):
    """Build the serving container and push it to the stage's repository in ECR."""
    cloud = Cloud()
    repository = find_stack(cloud, stage).serving_repository
    ecr = cloud.client("ecr")
    if if_missing and registry.holds(ecr, repository, commit()):
        terminal.print_line("Image", f"{repository}:{commit()} is there already")
        return
    push_image(ecr, repository, stage, engine)


def push_image(ecr, repository: str, stage: str, engine: str) -> None:
    """Build an image and push it. Raises UserError for one that SageMaker would refuse."""
    if repository.startswith(LOCAL_REGISTRY):
        raise terminal.UserError(
            "The local cloud runs model/serve.py itself and takes no images. On AWS: "
            'eval "$(python -m local env --unset)", then this command again.'
        )
    image = f"{repository}:{commit()}"
    user, password = registry.login(ecr)
    host = repository.partition("/")[0]
    run(engine, "login", "--username", user, "--password-stdin", host, stdin=password)
    if engine == "docker":
        output = f"type=image,name={image},oci-mediatypes=false,push=true"
        run(engine, "buildx", "build", *PLATFORM, *NO_ATTESTATIONS, "--output", output, CONTEXT)
    else:
        run(engine, "build", *PLATFORM, "--format", "docker", "--tag", image, CONTEXT)
        run(engine, "push", "--format", "v2s2", image)
    terminal.print_line("Image", image)
    terminal.print_line("Pushed", registry.resolve(ecr, image, stage))


def commit() -> str:
    """Return the last commit of model/, the image's tag. UserError where it has other changes."""
    changed = run("git", "status", "--porcelain", "--", CONTEXT, capture=True)
    if changed:
        raise terminal.UserError(
            f"{CONTEXT}/ has changes that are not committed, and the image is named after the "
            f"commit: commit them first ({len(changed.splitlines())} files; git status {CONTEXT})."
        )
    return run("git", "log", "-1", "--format=%h", "--", CONTEXT, capture=True)


def run(program: str, *arguments: str, stdin: str | None = None, capture: bool = False) -> str:
    """Run a program; return its output if captured, or let it print. UserError where it fails."""
    path = shutil.which(program)
    if path is None:
        raise terminal.UserError(
            f"There is no {program} on the PATH. Install it, or name another engine: "
            f"--engine {', '.join(registry.ENGINES)}."
        )
    output = subprocess.PIPE if capture else None
    process = subprocess.run(  # noqa: S603 - git or an engine
        [path, *arguments], cwd=config.ROOT, input=stdin, stdout=output, stderr=output, text=True
    )
    if process.returncode:
        reason = terminal.one_line(process.stderr or "", 300)
        command = " ".join((program, *arguments[:2]))
        raise terminal.UserError(
            f"{command} failed (exit code {process.returncode}){f': {reason}' if reason else ''}."
        )
    return (process.stdout or "").strip()


if __name__ == "__main__":
    terminal.run(main)
