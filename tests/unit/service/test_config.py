"""config.yml against its schema, and the names that a stage may have."""

import copy
import re

import boto3
import pytest
import yaml

from service import config, terminal

# What someone writes into config.yml (None: leaves out), and what the error names.
WRONG = [
    ("extra_buckets", "name", ["extra_buckets", "name", "array"]),
    ("extra_buckets", ["A_b"], ["extra_buckets.0", "A_b"]),
    ("threshold", 96, ["threshold", "96", "1"]),
    ("threshold", None, ["threshold", "required"]),
    ("image.size", 36, ["image.size", "36", "multiple of 8"]),
    ("image.sise", 32, ["image", "sise"]),
    ("retention_days.incoming", 0, ["retention_days.incoming", "0", "1"]),
    ("classify.max_concurrency", 41, ["classify.max_concurrency", "41", "40"]),
    ("endpoint.instance_type", "c5.large", ["endpoint.instance_type", "c5.large"]),
    ("service", "vehicles\n", ["service", "vehicles"]),
    ("extra_buckets", ["photos..old"], ["extra_buckets.0", "photos..old"]),
]


def changed(path: str, value: object) -> dict:
    """config.yml's content with one value changed, or left out."""
    content = copy.deepcopy(config.load())
    *way, name = path.split(".")
    section = content
    for key in way:
        section = section[key]
    if value is None:
        del section[name]
    else:
        section[name] = value
    return content


@pytest.mark.parametrize(("path", "value", "said"), WRONG)
def test_a_value_that_would_fail_later_is_named_with_what_is_expected(path, value, said):
    [problem] = config.problems(changed(path, value))
    assert all(word in problem for word in said), problem


def test_what_is_kept_for_ever_is_null_and_may_have_days():
    assert config.load()["retention_days"]["results"] is None
    assert not config.problems(changed("retention_days.results", 365))


@pytest.fixture
def rewritten(tmp_path, monkeypatch):
    """A function that puts another text in place of config.yml."""

    def rewrite(text: str) -> None:
        (tmp_path / "config.yml").write_text(text, encoding="latin-1")
        (tmp_path / "config.schema.json").symlink_to(config.ROOT / "config.schema.json")
        monkeypatch.setattr(config, "ROOT", tmp_path)
        config.load.cache_clear()

    yield rewrite
    config.load.cache_clear()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (yaml.safe_dump(changed("threshold", 96)), "threshold: 96"),
        ("service: [", "not YAML"),
        ("", "object"),
        ("# Größe\n", "not YAML: 'utf-8'"),
        ("threshold: 2026-13-45", "not YAML"),
    ],
)
def test_a_command_with_a_wrong_config_yml_ends_in_one_line(rewritten, capsys, text, said):
    rewritten(text)

    @terminal.command("x", example="")
    def main():
        """Read config.yml."""
        config.load()

    with pytest.raises(SystemExit) as left:
        terminal.run(main, [])
    assert left.value.code == 1
    out, err = capsys.readouterr()
    assert re.fullmatch(r"error: config\.yml.*\n", err)
    assert said in err
    assert out == ""


def test_a_stage_that_cannot_exist_is_refused():
    for stage in ("dev", "2", "pr-17", "x" * 20):
        assert config.stage_problem(stage) is None
    for stage in ("", "Dev", "my stage", "a/b", "-a", "a-", "a--b", "a_b", "dev\n"):
        assert "is no stage name: lower-case letters" in config.stage_problem(stage)


def test_the_longest_stage_makes_role_names_of_64_characters_in_the_longest_region():
    functions = yaml.safe_load((config.ROOT / "serverless.yml").read_text())["functions"]
    regions = boto3.Session().get_available_regions("lambda")
    longest = max(regions, key=len), max(functions, key=len)
    stack = config._schema()["definitions"]["stack"]["maxLength"]
    assert len("-".join(["x" * stack, *longest])) == 64
