"""A stack that exists is updated: what is deployed keeps its logical id and its name.

With another of either CloudFormation makes a new resource and deletes the old one.
"""

from tests.infrastructure.template import earlier

# The properties that name a resource. The bucket has none; a MetricFilter's are its metric's.
NAMES = {
    "AlarmName",
    "BucketName",
    "DashboardName",
    "FunctionName",
    "LayerName",
    "RepositoryName",
    "RoleName",
    "StateMachineName",
    "TopicName",
}
OTHER_NAME = {"Dashboard"}  # was the same in each region, and dashboards are the account's
# An update deletes them: the state machine notify, made before, sends their messages.
REMOVED = {
    "BulkFailedAlarm",
    "BulkTimedOutAlarm",
    "ClassifyFailedAlarm",
    "ClassifyTimedOutAlarm",
    "TellPeopleAlarm",
    "TellPeopleEventToStepFunctionsRole",
    "TellPeopleEventsRuleCloudWatchEvent1",
    "TellPeopleRole",
    "TellPeopleStateMachine",
}


def named(resources: dict) -> dict:
    """Each resource's kind and name."""
    found = {}
    for logical_id, resource in resources.items():
        names = NAMES & resource.get("Properties", {}).keys()
        name = {each: resource["Properties"][each] for each in names}
        found[logical_id] = (resource["Type"], {} if logical_id in OTHER_NAME else name)
    return found


def test_every_resource_of_an_earlier_stack_keeps_its_logical_id_kind_and_name(resources):
    before, now = named(earlier()["Resources"]), named(resources)
    assert {name: now.get(name) for name in before.keys() - REMOVED} == {
        name: before[name] for name in before.keys() - REMOVED
    }
    assert not REMOVED & now.keys()
