"""The commands that the engines are given: none is here, so scripts of these names record them."""

import os
from types import SimpleNamespace

import pytest

from scripts import serving_image
from service import config, registry
from service.terminal import UserError
from tests.ci.act import commit, git
from tests.programs import write_program
from tests.unit.service.memory_ecr import REPOSITORY, MemoryEcr

RECORDER = """\
printf '%s' "${0##*/}" >> "$RECORD"
printf ' %s' "$@" >> "$RECORD"
case "$*" in login*) printf ' < %s' "$(cat)" >> "$RECORD" ;; esac
echo >> "$RECORD"
case "$*" in *"$FAILS"*) exit 3 ;; esac
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository with model/Dockerfile, and the engines on the PATH; returns its folder."""
    folder = tmp_path / "repository"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "Dockerfile").write_text("FROM python:3.13\n")
    for engine in registry.ENGINES:
        write_program(tmp_path / "bin" / engine, RECORDER)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("FAILS", "nothing does")
    config.definition("stage")  # of the schema, which the folder does not have
    monkeypatch.setattr(config, "ROOT", folder)
    commit(folder)
    return folder


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
    login, build = commands(repository)
    assert login == f"docker login --username AWS --password-stdin {HOST} < a:pass word"
    assert build == (
        "docker buildx build --platform linux/amd64 --provenance=false --sbom=false --output "
        f"type=image,name={REPOSITORY}:{tag},oci-mediatypes=false,push=true model"
    )
    assert f"{REPOSITORY}@sha256:" in capsys.readouterr().out


@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_podman_and_buildah_build_and_push_dockers_form(repository, engine):
    send(engine)
    image = f"{REPOSITORY}:{git(repository, 'log', '-1', '--format=%h')}"
    _, build, push = commands(repository)
    platform = "--platform linux/amd64"
    assert build == f"{engine} build {platform} --format docker --tag {image} model"
    assert push == f"{engine} push --format v2s2 {image}"


def test_the_tag_is_the_last_commit_that_touched_the_model(repository):
    of_model = serving_image.commit()
    (repository / "readme").write_text("another file")
    commit(repository)
    assert git(repository, "rev-parse", "--short", "HEAD") != of_model
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


def test_an_image_that_is_there_is_not_made_again(repository, monkeypatch, capsys):
    ecr = MemoryEcr()
    cloud = SimpleNamespace(client=lambda _: ecr)
    stack = SimpleNamespace(serving_repository=REPOSITORY)
    monkeypatch.setattr(serving_image, "Cloud", lambda: cloud)
    monkeypatch.setattr(serving_image, "find_stack", lambda *_: stack)
    ecr.push(serving_image.commit())
    serving_image.main.main(["--if-missing"], standalone_mode=False)
    assert not (repository.parent / "record").exists()
    assert f"{REPOSITORY}:{serving_image.commit()}" in capsys.readouterr().out
    (repository / "model" / "new.py").write_text("changed")
    commit(repository)
    monkeypatch.setenv("FAILS", "buildx build")  # or it would look for the image in ECR
    with pytest.raises(UserError, match="buildx build"):
        serving_image.main.main(["--if-missing"], standalone_mode=False)
    assert "buildx build" in commands(repository)[1]


def test_the_local_cloud_takes_no_images(repository):
    local = "000000000000.dkr.ecr.us-east-1.amazonaws.com/scones-vehicles-dev-serving"
    with pytest.raises(UserError, match="local cloud"):
        serving_image.push_image(MemoryEcr(), local, "dev", "docker")
    assert not (repository.parent / "record").exists()
