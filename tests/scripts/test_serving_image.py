"""The commands that the engines are given: none is here, so scripts of these names record them."""

import os
import subprocess

import pytest

from scripts import serving_image
from service import config, registry, terminal
from service.terminal import UserError
from tests.unit.service.memory_ecr import REPOSITORY, MemoryEcr

BASE = "python:3.13.9-slim-trixie"
BASE_DIGEST = f"sha256:{'b' * 64}"
RECORDER = f"""#!/bin/sh
printf '%s' "${{0##*/}}" >> "$RECORD"
printf ' %s' "$@" >> "$RECORD"
case "$*" in
  *inspect*) echo {BASE_DIGEST} ;;
  login*) printf ' < %s' "$(cat)" >> "$RECORD" ;;
esac
echo >> "$RECORD"
case "$*" in *"$FAILS"*) exit 3 ;; esac
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository with model/Dockerfile, and the engines on the PATH; returns its folder."""
    folder, programs = tmp_path / "repository", tmp_path / "bin"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "Dockerfile").write_text(f"# a comment\nFROM {BASE}\n")
    programs.mkdir()
    for engine in registry.ENGINES:
        (programs / engine).write_text(RECORDER)
        (programs / engine).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("FAILS", "nothing does")
    monkeypatch.setattr(config, "ROOT", folder)
    monkeypatch.setattr(config, "service_name", lambda stage: f"scones-vehicles-{stage}")
    git(folder, "init", "-q")
    commit(folder)
    return folder


def git(folder, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "change")
    return git(folder, "rev-parse", "--short", "HEAD")


def commands(folder) -> list[str]:
    return (folder.parent / "record").read_text().splitlines()


def send(engine: str) -> None:
    """Push with the engine; what it pushed is then in ECR."""
    ecr = MemoryEcr()
    ecr.push(serving_image.commit())
    serving_image.push_image(ecr, REPOSITORY, "dev", engine)


HOST = REPOSITORY.split("/")[0]


def test_docker_pushes_its_own_form(repository, capsys):
    tag = git(repository, "log", "-1", "--format=%h")
    send("docker")
    login, build, inspect = commands(repository)
    assert login == f"docker login --username AWS --password-stdin {HOST} < a:pass word"
    assert build == (
        "docker buildx build --platform linux/amd64 --provenance=false --sbom=false --output "
        f"type=image,name={REPOSITORY}:{tag},oci-mediatypes=false,push=true model"
    )
    assert inspect == f"docker buildx imagetools inspect --format {{{{.Manifest.Digest}}}} {BASE}"
    said = capsys.readouterr().out
    assert f"{BASE}@{BASE_DIGEST}" in said
    assert f"{REPOSITORY}@sha256:" in said


@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_podman_and_buildah_build_and_push_dockers_form(repository, engine):
    send(engine)
    image = f"{REPOSITORY}:{git(repository, 'log', '-1', '--format=%h')}"
    _, build, push, inspect = commands(repository)
    platform = "--platform linux/amd64"
    assert build == f"{engine} build {platform} --format docker --tag {image} model"
    assert push == f"{engine} push --format v2s2 {image}"
    assert inspect.startswith(f"{engine} ")
    assert inspect.endswith(BASE)


def test_building_alone_asks_neither_aws_nor_a_registry(repository):
    terminal.run(serving_image.main, ["build", "--stage", "prod"])
    image = f"scones-vehicles-prod-serving:{git(repository, 'log', '-1', '--format=%h')}"
    build, _ = commands(repository)
    assert build == (
        "docker buildx build --platform linux/amd64 --provenance=false --sbom=false --output "
        f"type=docker,name={image} model"
    )


def test_the_tag_is_the_last_commit_that_touched_the_model(repository):
    of_model = serving_image.commit()
    (repository / "readme").write_text("another file")
    assert commit(repository) != of_model
    assert serving_image.commit() == of_model


def test_changes_that_no_commit_has_are_refused(repository):
    (repository / "model" / "new.py").write_text("changed")
    with pytest.raises(UserError, match="not committed"):
        serving_image.commit()


def test_an_engine_that_fails_or_is_not_there_is_one_line(repository, monkeypatch):
    monkeypatch.setenv("FAILS", "buildx build")
    with pytest.raises(UserError, match=r"docker buildx build failed \(exit code 3\)"):
        send("docker")
    monkeypatch.setattr(serving_image.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="no docker on the PATH"):
        serving_image.run("docker", "version")


def test_a_push_that_worked_is_no_error_where_the_base_image_cannot_be_asked(
    repository, monkeypatch, capsys
):
    monkeypatch.setenv("FAILS", "imagetools inspect")
    send("docker")
    said = capsys.readouterr().out
    assert f"{REPOSITORY}@sha256:" in said
    assert "the digest is not known: docker buildx imagetools failed (exit code 3)" in said


def test_the_local_cloud_takes_no_images(repository):
    local = "000000000000.dkr.ecr.us-east-1.amazonaws.com/scones-vehicles-dev-serving"
    with pytest.raises(UserError, match="local cloud"):
        serving_image.push_image(MemoryEcr(), local, "dev", "docker")
    assert not (repository.parent / "record").exists()
