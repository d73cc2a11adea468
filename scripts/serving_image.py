"""The serving container: built from model/ and pushed to the stage's repository.

SageMaker takes Docker's image format alone, and each engine needs options to make it.
"""

import re
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


engine_option = click.option(
    "--engine",
    type=click.Choice(registry.ENGINES),
    default="docker",
    help="the program that builds it",
)


@terminal.group("serving_image")
def main():
    """The container that serves the model."""


@main.command("build", example="--engine podman")
@options.stage
@engine_option
def build(stage, engine):
    """Build the serving container with this machine's engine, without AWS."""
    image = f"{config.service_name(stage)}-serving:{commit()}"
    build_image(engine, image, push=False)
    terminal.print_line("Image", image)
    print_base(engine)


@main.command("push", example="--engine podman")
@options.stage
@engine_option
def push(stage, engine):
    """Build the serving container and push it to the stage's repository in ECR."""
    cloud = Cloud()
    stack = find_stack(cloud, stage)
    try:
        push_image(cloud.client("ecr"), stack.serving_repository, stage, engine)
    except KeyboardInterrupt:
        raise terminal.Interrupted("Interrupted. Layers that were pushed stay.") from None


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
    build_image(engine, image, push=True)
    terminal.print_line("Image", image)
    terminal.print_line("Pushed", registry.resolve(ecr, image, stage))
    print_base(engine)


def build_image(engine: str, image: str, *, push: bool) -> None:
    """Build the image in Docker's format and, with `push`, push it to the repository it names."""
    if engine == "docker":
        kind, more = ("image", ",oci-mediatypes=false,push=true") if push else ("docker", "")
        output = f"type={kind},name={image}{more}"
        run(engine, "buildx", "build", *PLATFORM, *NO_ATTESTATIONS, "--output", output, CONTEXT)
        return
    run(engine, "build", *PLATFORM, "--format", "docker", "--tag", image, CONTEXT)
    if push:
        run(engine, "push", "--format", "v2s2", image)


def commit() -> str:
    """Return the last commit that touched model/, which is the image's tag.

    Raises UserError where model/ has other changes: no commit would hold the image's content.
    """
    changed = run("git", "status", "--porcelain", "--", CONTEXT, capture=True)
    if changed:
        raise terminal.UserError(
            f"{CONTEXT}/ has changes that are not committed, and the image is named after the "
            f"commit: commit them first ({len(changed.splitlines())} files; git status {CONTEXT})."
        )
    last = run("git", "log", "-1", "--format=%h", "--", CONTEXT, capture=True)
    if not last:
        raise terminal.UserError(f"No commit of this repository holds {CONTEXT}/. Commit it first.")
    return last


def print_base(engine: str) -> None:
    """Print the base image. An unknown digest is no error: the image itself is complete."""
    try:
        terminal.print_line("Base", find_base_image(engine))
    except terminal.UserError as error:
        terminal.print_line("Base", f"the digest is not known: {error}")


def find_base_image(engine: str) -> str:
    """Return the image that model/Dockerfile starts from, with its digest.

    docker asks the registry again, since buildx keeps no base image to inspect; podman and buildah
    inspect the one that they have pulled.
    """
    dockerfile = (config.ROOT / CONTEXT / "Dockerfile").read_text()
    base = re.search(r"^FROM\s+(\S+)", dockerfile, re.MULTILINE)[1]
    inspect = {
        "docker": ("buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}"),
        "podman": ("image", "inspect", "--format", "{{.Digest}}"),
        "buildah": ("inspect", "--type", "image", "--format", "{{.FromImageDigest}}"),
    }[engine]
    return f"{base}@{run(engine, *inspect, base, capture=True)}"


def run(program: str, *arguments: str, stdin: str | None = None, capture: bool = False) -> str:
    """Run a program in the repository, and return its output if captured.

    Otherwise it prints to the terminal, as a build takes minutes. Raises UserError where it fails.
    """
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
