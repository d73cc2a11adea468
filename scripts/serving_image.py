"""The serving container: built from model/ and pushed to the stage's repository.

SageMaker takes Docker's image form alone, which each engine makes when told to.
"""

import re
import shutil
import subprocess

import click

from service import config, options, registry, terminal
from service.stack import Cloud, find_stack

ENGINES = ("docker", "podman", "buildah")
CONTEXT = "model"
PLATFORM = ("--platform", "linux/amd64")
# The manifest of one platform, without the attestations that would make an index of it.
ALONE = ("--provenance=false", "--sbom=false")
LOCAL_REGISTRY = "000000000000."


engine_option = click.option(
    "--engine", type=click.Choice(ENGINES), default=ENGINES[0], help="what builds it"
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
    make(engine, image, push=False)
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
        send(cloud.client("ecr"), stack.serving_repository, stage, engine)
    except KeyboardInterrupt:
        raise terminal.Interrupted("Interrupted. What was pushed already stays.") from None


def send(ecr, repository: str, stage: str, engine: str) -> None:
    """Build and push an image to a repository; raises UserError where SageMaker would refuse it."""
    if repository.startswith(LOCAL_REGISTRY):
        raise terminal.UserError(
            "The local cloud runs model/serve.py itself and takes no images. On AWS: "
            'eval "$(python -m local env --unset)", then this command again.'
        )
    image = f"{repository}:{commit()}"
    user, password = registry.login(ecr)
    host = repository.partition("/")[0]
    run(engine, "login", "--username", user, "--password-stdin", host, given=password)
    make(engine, image, push=True)
    terminal.print_line("Image", image)
    terminal.print_line("Pushed", registry.resolve(ecr, image, stage))
    print_base(engine)


def make(engine: str, image: str, *, push: bool) -> None:
    """Build the image in Docker's form and, with `push`, push it to where its name says."""
    if engine == "docker":
        kind, more = ("image", ",oci-mediatypes=false,push=true") if push else ("docker", "")
        output = f"type={kind},name={image}{more}"
        run(engine, "buildx", "build", *PLATFORM, *ALONE, "--output", output, CONTEXT)
        return
    run(engine, "build", *PLATFORM, "--format", "docker", "--tag", image, CONTEXT)
    if push:
        run(engine, "push", "--format", "v2s2", image)


def commit() -> str:
    """Return the last commit that touched model/, which is the image's tag.

    Raises UserError where model/ differs from it: no commit would say what is in the image.
    """
    changed = run("git", "status", "--porcelain", "--", CONTEXT, read=True)
    if changed:
        raise terminal.UserError(
            f"{CONTEXT}/ has changes that are not committed, and the image is named after the "
            f"commit: commit them first ({len(changed.splitlines())} files; git status {CONTEXT})."
        )
    found = run("git", "log", "-1", "--format=%h", "--", CONTEXT, read=True)
    if not found:
        raise terminal.UserError(f"No commit of this repository holds {CONTEXT}/. Commit it first.")
    return found


def print_base(engine: str) -> None:
    """Print what the image was built on. The image is made: not to know this is no error."""
    try:
        terminal.print_line("Base", base_image(engine))
    except terminal.UserError as error:
        terminal.print_line("Base", f"the digest is not known: {error}")


def base_image(engine: str) -> str:
    """Return the image that model/Dockerfile starts from, with the digest that its tag has.

    docker asks the registry again, since buildx keeps no base image that could be looked at;
    podman and buildah look at the one that they have pulled.
    """
    dockerfile = (config.ROOT / CONTEXT / "Dockerfile").read_text()
    base = re.search(r"^FROM\s+(\S+)", dockerfile, re.MULTILINE)[1]
    ask = {
        "docker": ("buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}"),
        "podman": ("image", "inspect", "--format", "{{.Digest}}"),
        "buildah": ("inspect", "--type", "image", "--format", "{{.FromImageDigest}}"),
    }[engine]
    return f"{base}@{run(engine, *ask, base, read=True)}"


def run(program: str, *arguments: str, given: str | None = None, read: bool = False) -> str:
    """Run a program in the repository; `given` is its input. With `read`, return what it prints.

    Otherwise it prints to the terminal, as these take minutes. Raises UserError where it fails.
    """
    path = shutil.which(program)
    if path is None:
        raise terminal.UserError(
            f"There is no {program} on the PATH. Install it, or name another engine: "
            f"--engine {', '.join(ENGINES)}."
        )
    kept = subprocess.PIPE if read else None
    done = subprocess.run(  # noqa: S603 - git, or the engine that was asked for
        [path, *arguments], cwd=config.ROOT, input=given, stdout=kept, stderr=kept, text=True
    )
    if done.returncode:
        reason = terminal.one_line(done.stderr or "", 300)
        command = " ".join((program, *arguments[:2]))
        raise terminal.UserError(
            f"{command} failed (exit code {done.returncode}){f': {reason}' if reason else ''}."
        )
    return (done.stdout or "").strip()


if __name__ == "__main__":
    terminal.run(main)
