"""How a photo can end stands once, in handlers/outcomes.STATUSES; whoever repeats it agrees.

What cannot import it: statemachine/classify.asl.yml (the states that set a status, and the counts;
`npm run export` writes its .asl.json), resources/logs.yml (what is counted of the filter's lines)
and resources/dashboard-body.yml. All Python follows by import but for scripts/cost/plan.py. What no
test can hold: README, CONTRIBUTING and docs/.
"""

from pathlib import Path

import yaml

from handlers.outcomes import LABELLED, STATUSES
from scripts.cost.plan import IMAGE_STATES

ROOT = Path(__file__).parents[2]


def read(path: str) -> dict:
    return yaml.safe_load((ROOT / path).read_text())


def statuses_set(node) -> set[str]:
    """Every `status` that is given as it is, anywhere below."""
    if isinstance(node, list):
        return set().union(*map(statuses_set, node))
    if not isinstance(node, dict):
        return set()
    own = {node["status"]} if isinstance(node.get("status"), str) else set()
    return own.union(*map(statuses_set, node.values()))


def test_the_images_of_classify_end_in_one_of_them():
    states = read("statemachine/classify.asl.yml")["States"]
    assert statuses_set(states["ClassifyImages"]["ItemProcessor"]) == set(STATUSES)


def test_classify_counts_each_of_them():
    counts = read("statemachine/classify.asl.yml")["States"]["ClassifyImages"]["Output"]["counts"]
    assert counts == {
        "submitted": "{% $count($states.result) %}",
        **{status: f'{{% $count($states.result[status = "{status}"]) %}}' for status in STATUSES},
    }


def test_each_that_the_filter_chooses_is_a_metric_and_on_the_dashboard():
    resources = read("resources/logs.yml")["Resources"].values()
    metrics = {
        metric["MetricValue"].removeprefix("$."): metric["MetricName"]
        for resource in resources
        if resource["Type"] == "AWS::Logs::MetricFilter"
        for metric in resource["Properties"]["MetricTransformations"]
    }
    assert metrics.keys() >= set(LABELLED)
    shown = [
        {row[1] for row in widget["properties"]["metrics"] if row[0] == "${name}"}
        for widget in read("resources/dashboard-body.yml")["widgets"]
        if "metrics" in widget["properties"]
    ]
    assert any({metrics[status] for status in LABELLED} <= names for names in shown)


def test_each_has_its_price():
    assert IMAGE_STATES.keys() == set(STATUSES)
