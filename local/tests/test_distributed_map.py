"""A Distributed Map behaves as on AWS, as far as this service's does, and refuses the rest."""

import copy
import json
import time
from types import SimpleNamespace

import pytest
from ministack.services import stepfunctions as sfn

from local.step_functions.distributed_map import definition, items, map_run
from local.step_functions.distributed_map.items import Batch
from local.tests.conftest import single, task, until

EVERYTHING = (("states:StartExecution", "*"), ("s3:*", "*"), ("lambda:InvokeFunction", "*"))
ECHO = {"Type": "Pass", "Output": "{% $states.input.Items %}", "End": True}
WHOLE = {"Type": "Pass", "Output": "{% $states.input %}", "End": True}
# A child with a "bad" item fails.
PICKY = {
    "StartAt": "IsBad",
    "States": {
        "IsBad": {
            "Type": "Choice",
            "Choices": [{"Condition": '{% "bad" in $states.input.Items %}', "Next": "Bad"}],
            "Default": "Good",
        },
        "Bad": {"Type": "Fail", "Error": "BadItem", "Cause": "it is bad"},
        "Good": ECHO,
    },
}


def _processor(states: dict) -> dict:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    return {"ProcessorConfig": config, **(states if "StartAt" in states else single(states))}


def _map(processor: dict = ECHO, batcher: dict | None = None, **fields) -> dict:
    """A Distributed Map that ends; bucket and key are in the execution's input."""
    return {
        "Type": "Map",
        "Label": "Batches",
        "MaxConcurrency": 8,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSONL"},
            "Arguments": {"Bucket": "{% $states.input.bucket %}", "Key": "{% $states.input.key %}"},
        },
        "ItemBatcher": {"MaxItemsPerBatch": 2, **(batcher or {})},
        "ItemProcessor": _processor(processor),
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "WriterConfig": {"OutputType": "JSONL", "Transformation": "FLATTEN"},
            "Arguments": {
                "Bucket": "{% $states.input.bucket %}",
                "Prefix": "{% 'results/' & $states.context.Execution.Name %}",
            },
        },
        "End": True,
        **fields,
    }


def _with(value: object, *path: str) -> dict:
    """The Distributed Map with a value at that path; without anything there for None."""
    state = copy.deepcopy(_map())
    fields = state
    for name in path[:-1]:
        fields = fields.setdefault(name, {})
    fields[path[-1]] = value
    if value is None:
        del fields[path[-1]]
    return state


def _positive(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


class Runs:
    """Starts executions with a Distributed Map, and reads what they leave."""

    def __init__(self, workshop, session):
        self.workshop, self.states = workshop, workshop.states
        self.s3 = session.client("s3")
        self.bucket = workshop.name()
        self.s3.create_bucket(Bucket=self.bucket)

    def start(self, definition: dict, items: object, allowed=EVERYTHING, **more) -> dict:
        """Start over these items (or the object's text)."""
        key = f"{self.workshop.name()}.jsonl"
        if items is not None:
            text = items if isinstance(items, str) else "\n".join(map(json.dumps, items)) + "\n"
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())
        if "StartAt" not in definition:
            definition = single(definition)
        return self.states.start_execution(
            stateMachineArn=self.workshop.machine(definition, *allowed),
            input=json.dumps({"bucket": self.bucket, "key": key, **more}),
        )

    def run(self, definition: dict, items: object, allowed=EVERYTHING, **more) -> SimpleNamespace:
        """The execution ended, its map runs, and the files of the last one."""
        started = self.start(definition, items, allowed, **more)
        execution = self.workshop.wait(started, 30)
        runs = self.runs(started)
        return SimpleNamespace(
            execution=execution,
            status=execution["status"],
            error=execution.get("error"),
            cause=execution.get("cause", ""),
            output=json.loads(execution.get("output") or "null"),
            runs=runs,
            counts=runs[-1]["itemCounts"] if runs else {},
            files=self.files(execution["name"]),
        )

    def runs(self, started: dict) -> list[dict]:
        listed = self.states.list_map_runs(executionArn=started["executionArn"])["mapRuns"]
        return [self.states.describe_map_run(mapRunArn=run["mapRunArn"]) for run in listed]

    def files(self, name: str) -> dict[str, list]:
        """By file name: the lines of each file of results, and of the manifest its object."""
        prefix = f"results/{name}/"
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        files = {}
        for entry in listed:
            body = self.s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read().decode()
            files[entry["Key"].rsplit("/", 1)[1]] = [json.loads(line) for line in body.splitlines()]
        return files


@pytest.fixture(scope="module")
def maps(workshop, session):
    return Runs(workshop, session)


@pytest.fixture(scope="module")
def sleeping(workshop):
    """Children that take as many seconds as their first item says; they give start and end."""
    return task(
        workshop.function("""
            import time
            def handler(event, context):
                started = time.time()
                time.sleep(event["Items"][0])
                return [[started, time.time()]]
        """)
    )


@pytest.fixture(scope="module")
def mixed(maps):
    """A run with a child that succeeded and one that failed, and a state after it."""
    state = _map(
        PICKY,
        ToleratedFailurePercentage=100,
        Assign={"arn": "{% $states.result.MapRunArn %}"},
        Output="{% $states.result %}",
        Next="After",
    )
    del state["End"]
    after = {"Type": "Pass", "Output": "{% [$states.input, $arn] %}", "End": True}
    definition = {"StartAt": "Map", "States": {"Map": state, "After": after}}
    return maps.run(definition, ["a", "b", "bad", "c"])


# --- items and batches


def test_items_reach_children_in_order_in_batches_of_max_items(maps):
    state = _map(WHOLE, {"MaxItemsPerBatch": "{% $states.input.size %}"}, MaxConcurrency=1)
    run = maps.run(state, [{"n": 0}, "eins", 2, None, [4], 5.5, "ü"], size=3)
    batches = [line["Items"] for line in run.files["SUCCEEDED_0.jsonl"]]
    assert batches == [[{"n": 0}, "eins", 2], [None, [4], 5.5], ["ü"]]
    assert (run.counts["total"], run.counts["succeeded"]) == (7, 7)
    assert run.runs[0]["executionCounts"]["succeeded"] == 3


@pytest.mark.parametrize(("limit", "sizes"), [(53, [3, 3]), (52, [2, 2, 2])])
def test_bytes_of_a_batch_are_those_of_the_childs_input(maps, limit, sizes):
    """{"BatchInput":{"é":0.8},"Items":["é0","é1","é2"]} has 53 bytes."""
    batcher = {
        "MaxItemsPerBatch": 200,
        "MaxInputBytesPerBatch": "{% $states.input.limit %}",
        "BatchInput": {"é": "{% $states.input.threshold %}"},
    }
    count = {"Type": "Pass", "Output": "{% $count($states.input.Items) %}", "End": True}
    run = maps.run(_map(count, batcher), [f"é{n}" for n in range(6)], limit=limit, threshold=0.8)
    assert sorted(run.files["SUCCEEDED_0.jsonl"]) == sizes


def test_blank_lines_are_no_items_and_no_items_are_a_run_without_children(maps):
    run = maps.run(_map(), "\n  \r\n")
    assert (run.status, run.counts["total"]) == ("SUCCEEDED", 0)
    (manifest,) = run.files["manifest.json"]
    assert manifest["ResultFiles"] == {"FAILED": [], "PENDING": [], "SUCCEEDED": []}


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (None, "ItemReaderFailed", "does not exist"),
        ('{"a": 1}\n\n{"a":\n', "ItemReaderFailed", "line 3"),
        ("NaN", "ItemReaderFailed", "line 1"),
        ('{"a": "' + "x" * 200 + '"}', "DataLimitExceeded", "more than the 100"),
    ],
)
def test_items_that_make_no_batch_fail_the_run_before_any_child(maps, text, error, says):
    run = maps.run(_map(batcher={"MaxInputBytesPerBatch": 100}), text)
    assert (run.status, run.error) == ("FAILED", f"States.{error}")
    assert says in run.cause
    assert run.runs[0]["status"] == "FAILED"
    assert run.runs[0]["executionCounts"]["succeeded"] == 0


# --- ItemSelector

ITEM = "$states.context.Map.Item"


def test_an_item_selector_makes_the_items_that_are_batched(maps):
    selector = {
        "line": f"{{% {ITEM}.Index %}}",
        "photo": f"{{% {ITEM}.Value %}}",
        "of": {"bucket": "{% $states.input.bucket %}"},
        "more": [f"{{% {ITEM}.Index + 1 %}}", f"{{% $type({ITEM}.Value) %}}", "constant", None],
    }
    photos = [{"key": "é"}, [1], "a", None, []]
    text = "\n \n".join(map(json.dumps, photos))  # Index counts items and no lines
    state = _map(WHOLE, {"MaxItemsPerBatch": 3}, ItemSelector=selector, MaxConcurrency=1)
    run = maps.run(state, text)
    of = {"bucket": maps.bucket}
    types = ["object", "array", "string", "null", "array"]
    items = [
        {"line": line, "photo": photo, "of": of, "more": [line + 1, kind, "constant", None]}
        for line, (photo, kind) in enumerate(zip(photos, types, strict=True))
    ]
    assert run.files["SUCCEEDED_0.jsonl"] == [{"Items": items[:3]}, {"Items": items[3:]}]


@pytest.mark.parametrize("expression", [f"{ITEM}.Value.missing", f"$uppercase({ITEM}.Value)"])
def test_an_item_selector_that_fails_fails_the_run_before_any_child(maps, expression):
    run = maps.run(_map(ItemSelector={"a": f"{{% {expression} %}}"}), [{"missing": "A"}, {"b": 1}])
    assert (run.status, run.error) == ("FAILED", "States.QueryEvaluationError")
    assert _positive(run.runs[0]["executionCounts"]) == {}


def test_values_and_numbers_are_selected_without_the_interpreter():
    selector = {"line": f"{{% {ITEM}.Index %}}", "photo": f"{{% {ITEM}.Value %}}"}
    photos = [{"s3_key": f"photos/{number}.png"} for number in range(100_000)]
    began = time.thread_time()
    selected = list(items.select(selector, photos, {}, {"variables": {}}))
    assert time.thread_time() - began < 3  # 0.2 s; the interpreter takes ten
    assert selected[99_999] == {"line": 99_999, "photo": photos[99_999]}


# --- variables


def _after_assigning(state: dict) -> dict:
    assign = {"Type": "Pass", "Assign": {"outer": 1}, "Next": "Map"}
    return {"StartAt": "Set", "States": {"Set": assign, "Map": state}}


REFERENCE = "{% $exists($outer) ? 1 : 2 %}"  # fails by itself nowhere


@pytest.mark.parametrize(
    "path",
    [
        ("ItemReader", "Arguments", "Key"),
        ("ItemSelector", "nested", "field"),
        ("ItemBatcher", "BatchInput"),
        ("MaxConcurrency",),
        ("ToleratedFailurePercentage",),
        ("ResultWriter", "Arguments", "Prefix"),
        ("ItemProcessor", "States", "Only", "Output"),
    ],
)
def test_a_distributed_map_cannot_reference_variables_of_outer_scopes(path):
    state = _with(REFERENCE, *path)
    with pytest.raises(sfn._ExecutionError) as refused:
        definition.check(state, {"QueryLanguage": "JSONata"}, _after_assigning(state))
    assert refused.value.error == "States.QueryEvaluationError"
    assert "cannot reference variables in outer scopes" in refused.value.cause
    assert f"'{'/'.join(path)}'" in refused.value.cause
    assert "$outer" in refused.value.cause


def test_a_reference_to_one_fails_the_execution_before_any_run(maps):
    run = maps.run(_after_assigning(_with(REFERENCE, "ItemBatcher", "MaxItemsPerBatch")), [1])
    assert (run.status, run.error, run.runs) == ("FAILED", "States.QueryEvaluationError", [])


def test_the_processor_has_its_own_variables_and_the_output_those_around(maps):
    assign = {"own": "{% $count($states.input.Items) %}"}
    states = {
        "Set": {"Type": "Pass", "Assign": assign, "Next": "Get"},
        "Get": {"Type": "Pass", "Output": "{% $own %}", "End": True},
    }
    selector = {"double": f"{{% ($twice := function($n) {{ 2 * $n }}; $twice({ITEM}.Value)) %}}"}
    processor = {"StartAt": "Set", "States": states}
    state = _map(processor, ItemSelector=selector, Output="{% $outer %}")
    run = maps.run(_after_assigning(state), [1, 2])
    assert run.output == 1
    assert run.files["SUCCEEDED_0.jsonl"] == [2]


# --- children


def test_children_have_a_context_of_their_own(maps):
    context = {"Type": "Pass", "Output": "{% $states.context %}", "End": True}
    run = maps.run(_map(context), [1, 2])
    (found,) = run.files["SUCCEEDED_0.jsonl"]
    machine = run.execution["stateMachineArn"]
    express = machine.replace(":stateMachine:", ":express:")
    assert found["Execution"]["Input"] == {"Items": [1, 2]}
    assert found["Execution"]["Name"] != run.execution["name"]
    assert found["Execution"]["Id"].startswith(f"{express}/Batches:")
    assert found["StateMachine"]["Id"] == f"{machine}/Batches"
    assert "Map" not in found


def test_a_childs_output_may_have_256_kib(maps):
    large = "{% $pad('', $states.input.Items[0], 'x') %}"
    state = _map(
        {"Type": "Pass", "Output": [large, large, large], "End": True},
        {"MaxItemsPerBatch": 1},
        ToleratedFailurePercentage=50,
    )
    run = maps.run(state, [87_378, 87_379])
    assert [len(line) for line in run.files["SUCCEEDED_0.jsonl"]] == [87_378] * 3
    assert run.files["FAILED_0.jsonl"][0]["Error"] == "States.DataLimitExceeded"


def test_a_child_has_five_minutes(monkeypatch):
    """One that takes longer counts as failed, whatever it comes to afterwards."""

    def work(states: dict, start: str, value: dict, *_: object) -> list:
        time.sleep(1 if value == {"Items": ["slow"]} else 0)
        return ["done"]

    monkeypatch.setattr(map_run, "CHILD_SECONDS", 0.2)
    monkeypatch.setattr(sfn, "_run_sub_machine", work)
    parent = {"executionArn": "", "stateMachineArn": "", "status": "RUNNING", "events": []}
    settings = definition.Settings(("", ""), ("", ""), 1, 100, None, 2, 50)
    run = map_run.MapRun(parent, "Batches", settings)
    run.add([Batch('{"Items":["slow"]}', 1), Batch('{"Items":["quick"]}', 1)])
    run.work({"States": {}, "StartAt": ""}, {"QueryLanguage": "JSONata", "RoleArn": ""})
    assert _positive(run.record["itemCounts"]) == {"total": 2, "timedOut": 1, "succeeded": 1}
    assert not run.exceeded()
    run.record["toleratedFailurePercentage"] = 49
    assert run.exceeded()


# --- failures


def test_failures_are_tolerated_by_items_and_not_by_children(maps):
    """One of two children fails: half of the children, and a quarter of the items."""
    items = ["a", "b", "c", "bad"]
    batcher = {"MaxItemsPerBatch": 3}
    percentage = "{% $states.input.percentage %}"
    state = _map(PICKY, batcher, ToleratedFailurePercentage=percentage)
    run = maps.run(state, items, percentage=25)
    assert run.status == run.runs[0]["status"] == "SUCCEEDED"
    assert (run.counts["succeeded"], run.counts["failed"]) == (3, 1)
    assert run.runs[0]["executionCounts"]["failed"] == 1
    run = maps.run(state, items, percentage=24.9)
    assert run.status == run.runs[0]["status"] == "FAILED"
    assert run.error == "States.ExceedToleratedFailureThreshold"


def test_a_failed_run_starts_no_further_child_and_writes_what_it_has(maps):
    items = ["a", "b", "bad", "c", "d", "e", "f"]
    run = maps.run(_map(PICKY, ToleratedFailurePercentage=10, MaxConcurrency=1), items)
    assert run.error == "States.ExceedToleratedFailureThreshold"
    assert run.files["SUCCEEDED_0.jsonl"] == ["a", "b"]
    (failed,) = run.files["FAILED_0.jsonl"]
    assert json.loads(failed["Input"])["Items"] == ["bad", "c"]
    pending = [json.loads(line["Input"])["Items"] for line in run.files["PENDING_0.jsonl"]]
    assert pending == [["d", "e"], ["f"]]
    counts = {"total": 7, "succeeded": 2, "failed": 2, "pending": 3, "resultsWritten": 4}
    assert _positive(run.counts) == counts


def test_a_failed_run_aborts_the_children_that_run(maps, sleeping):
    state = _map(sleeping, {"MaxItemsPerBatch": 1}, MaxConcurrency=2)
    run = maps.run(state, [15, "no number", 15])
    assert run.error == "States.ExceedToleratedFailureThreshold"
    took = run.execution["stopDate"] - run.execution["startDate"]
    assert took.total_seconds() < 10
    assert {line["Status"] for line in run.files["FAILED_0.jsonl"]} == {"FAILED", "ABORTED"}
    assert (run.counts["failed"], run.counts["aborted"], run.counts["pending"]) == (1, 1, 1)


def test_a_failed_child_is_written_as_an_execution_with_its_input(mixed):
    assert mixed.status == "SUCCEEDED"
    (line,) = mixed.files["FAILED_0.jsonl"]
    assert json.loads(line["Input"]) == {"Items": ["bad", "c"]}
    assert (line["Status"], line["Error"], line["Cause"]) == ("FAILED", "BadItem", "it is bad")
    assert line["ExecutionArn"].split(":")[-2] == line["Name"]
    assert line["StartDate"] <= line["StopDate"]


def test_the_result_names_the_manifest_which_names_the_files(maps, mixed):
    result, assigned = mixed.output
    arn = mixed.runs[0]["mapRunArn"]
    assert result["MapRunArn"] == assigned == arn
    folder = f"results/{mixed.execution['name']}/{arn.rsplit(':', 1)[1]}"
    details = {"Bucket": maps.bucket, "Key": f"{folder}/manifest.json"}
    assert result["ResultWriterDetails"] == details
    manifest = json.load(maps.s3.get_object(**details)["Body"])

    files: dict[str, list] = {"PENDING": []}
    for status in ("SUCCEEDED", "FAILED"):
        key = f"{folder}/{status}_0.jsonl"
        size = maps.s3.head_object(Bucket=maps.bucket, Key=key)["ContentLength"]
        files[status] = [{"Key": key, "Size": size}]
    assert manifest == {"DestinationBucket": maps.bucket, "MapRunArn": arn, "ResultFiles": files}


# --- the state


def test_the_history_names_the_map_run_and_nothing_of_its_children(maps, mixed):
    history = maps.states.get_execution_history(executionArn=mixed.execution["executionArn"])
    events = {event["type"]: event for event in history["events"]}
    started, succeeded = events["MapRunStarted"], events["MapRunSucceeded"]
    assert started["mapRunStartedEventDetails"]["mapRunArn"] == mixed.runs[0]["mapRunArn"]
    assert succeeded["previousEventId"] == started["id"]
    children = ("Choice", "Fail", "MapIteration", "Task")
    assert not [kind for kind in events if kind.startswith(children)]


def test_counts_can_be_watched_while_it_runs_at_most_max_concurrency_at_once(maps, sleeping):
    state = _map(sleeping, MaxConcurrency="{% $states.input.at_once %}")
    started = maps.start(state, [0.7] * 5, at_once=2)
    (run,) = until(
        lambda: maps.runs(started), lambda runs: runs and runs[0]["itemCounts"]["running"] == 4
    )
    assert (run["status"], run["maxConcurrency"]) == ("RUNNING", 2)
    assert _positive(run["itemCounts"]) == {"total": 5, "running": 4, "pending": 1}
    assert _positive(run["executionCounts"]) == {"total": 3, "running": 2, "pending": 1}
    assert maps.workshop.wait(started)["status"] == "SUCCEEDED"
    (run,) = maps.runs(started)
    assert run["stopDate"] > run["startDate"]
    assert _positive(run["itemCounts"]) == {"total": 5, "succeeded": 5, "resultsWritten": 5}


@pytest.mark.parametrize(("ending", "status"), [("stop", "ABORTED"), ("time out", "TIMED_OUT")])
def test_the_end_of_the_execution_aborts_the_map_run(maps, sleeping, ending, status):
    definition = single(_map(sleeping, MaxConcurrency=2))
    if ending == "time out":
        definition["TimeoutSeconds"] = 1
    started = maps.start(definition, [5, 5, *[0.4] * 40])  # one is sure to run
    until(lambda: maps.runs(started), lambda runs: runs and runs[0]["itemCounts"]["running"])
    if ending == "stop":
        maps.states.stop_execution(executionArn=started["executionArn"])
    (run,) = until(lambda: maps.runs(started), lambda runs: runs[0]["status"] != "RUNNING", 5)
    assert run["status"] == "ABORTED"
    assert run["itemCounts"]["running"] == 0
    assert run["itemCounts"]["aborted"] > 0
    before = run["itemCounts"]
    time.sleep(0.6)  # longer than a child takes
    assert maps.runs(started)[0]["itemCounts"] == before
    assert maps.workshop.wait(started)["status"] == status


# --- the role


def test_the_role_needs_what_a_distributed_map_does_and_no_more(maps):
    results = f"arn:aws:s3:::{maps.bucket}/results/*"
    actions = {
        "states:StartExecution": ("arn:aws:states:*:*:stateMachine:*", "States.Permissions"),
        "s3:GetObject": (f"arn:aws:s3:::{maps.bucket}/*", "States.ItemReaderFailed"),
        "s3:PutObject": (results, "States.ResultWriterFailed"),
        "s3:ListMultipartUploadParts": (results, "States.ResultWriterFailed"),
        "s3:AbortMultipartUpload": (results, "States.ResultWriterFailed"),
    }
    allowed = [(action, resource) for action, (resource, _) in actions.items()]
    assert maps.run(_map(), [1], allowed).status == "SUCCEEDED"
    for action, (_, error) in actions.items():
        run = maps.run(_map(), [1], [pair for pair in allowed if pair[0] != action])
        assert (run.status, run.error) == ("FAILED", error)
        assert f"not authorized to perform: {action}" in run.cause


def test_a_missing_object_is_called_missing_to_whoever_may_list_it(maps):
    start, read = ("states:StartExecution", "*"), ("s3:GetObject", "*")
    listing = ("s3:ListBucket", f"arn:aws:s3:::{maps.bucket}")
    assert "does not exist" in maps.run(_map(), None, (start, read, listing)).cause
    assert "not authorized to perform: s3:ListBucket" in maps.run(_map(), None, (start, read)).cause


# --- what is refused


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (_with(1, "ToleratedFailureCount"), "ToleratedFailureCount"),
        (_with("{% {} %}", "ItemSelector"), "ItemSelector"),
        (_with("JSONPath", "QueryLanguage"), "JSONata"),
        (_with("CSV", "ItemReader", "ReaderConfig", "InputType"), "CSV"),
        (_with(5, "ItemReader", "ReaderConfig", "MaxItems"), "MaxItems"),
        (_with({"Map": _map()}, "ItemProcessor", "States"), "Express"),
        (_with(None, "MaxConcurrency"), "MaxConcurrency"),
        (_with(None, "ItemBatcher"), "ItemBatcher"),
    ],
)
def test_what_is_not_done_is_refused(state, names):
    with pytest.raises(sfn._ExecutionError) as refused:
        definition.check(state, {"QueryLanguage": "JSONata"}, {})
    assert refused.value.error == "States.Runtime"
    assert names in refused.value.cause
