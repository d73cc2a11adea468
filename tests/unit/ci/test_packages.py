import json
import zipfile

import pytest

from ci import packages

CODE = "scones-vehicles.zip"
LAYER = "pythonDependencies.zip"


@pytest.fixture
def package(tmp_path):
    """A function that writes a package: its time, template's resources and outputs, archives."""

    def write(name, time, resources, archives, outputs=None):
        folder = tmp_path / name
        folder.mkdir()
        template = {"Resources": resources, "Outputs": outputs or {}}
        text = json.dumps(template).replace("TIME", f"{time}-2026-11-29T05:36:09.677Z")
        (folder / packages.TEMPLATE).write_text(text)
        for file, members in archives.items():
            with zipfile.ZipFile(folder / file, "w") as archive:
                for member, content in members.items():
                    archive.writestr(zipfile.ZipInfo(member), content)
        return folder

    return write


def function(seconds: int) -> dict:
    code = {"S3Key": "serverless/scones-vehicles/dev/TIME/scones-vehicles.zip"}
    properties = {"Code": code, "Timeout": seconds}
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def machine(start: str) -> dict:
    definition = json.dumps({"StartAt": start, "States": {}})
    properties = {"DefinitionString": {"Fn::Sub": [definition, {}]}}
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}


OLD = {CODE: {"handlers/aws.py": "1", "handlers/npy.py": "1"}, LAYER: {"python/PIL/a.py": "1"}}


def test_packages_of_one_commit_differ_in_nothing(package):
    outputs = {"FoldersLambdaLayerS3Key": {"Value": "TIME"}, "BucketName": {"Value": "b"}}
    old = package("old", 1795930569677, {"F": function(60)}, OLD, outputs)
    new = package("new", 1795930999000, {"F": function(60)}, OLD, outputs)
    assert packages.describe_difference(old, new) == "Nothing that is deployed changes."
    assert packages.list_digests(old) == packages.list_digests(new)


def test_a_digest_stands_for_each_archive(package):
    old = package("old", 1, {}, OLD)
    new = package("new", 1, {}, OLD | {LAYER: {"python/PIL/a.py": "2"}})
    before, after = (packages.list_digests(each).split() for each in (old, new))
    assert [each.partition("=")[0] for each in before] == [LAYER, CODE]
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_the_difference_names_resources_properties_files_and_packages(package):
    resources = {"F": function(60), "M": machine("A"), "Gone": function(1)}
    old = package("old", 1795930569677, resources, OLD)
    resources = {"F": function(90), "M": machine("B"), "New": function(1)}
    archives = {
        CODE: {"handlers/aws.py": "2", "handlers/photo.py": "1"},
        LAYER: {"python/PIL/a.py": "2", "python/PIL/b.py": "1"},
    }
    said = packages.describe_difference(old, package("new", 1795930999000, resources, archives))
    lines = said.splitlines()
    assert {"| `F` | changed |", "| `Gone` | removed |", "| `New` | added |"} <= {*lines}
    assert {"-Properties.Timeout: 60", "+Properties.Timeout: 90"} <= {*lines}
    assert "-Properties.DefinitionString.Fn::Sub[].StartAt: A" in lines
    assert "| `handlers/aws.py` | changed |" in lines
    assert "| `handlers/npy.py` | removed |" in lines
    assert "| `handlers/photo.py` | added |" in lines
    assert "| `python/PIL` | changed |" in lines
    assert "S3Key" not in said


def test_an_old_package_that_is_missing_is_said(package, tmp_path):
    said = packages.describe_difference(tmp_path / "absent", package("new", 1, {}, OLD))
    assert "could not be packaged" in said
