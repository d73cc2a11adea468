"""Histories in the form in which AWS gives them, written event by event."""

from datetime import UTC, datetime, timedelta

BEGAN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


class History:
    """Events, each after another one on its path. Methods return the id of the last they add."""

    def __init__(self):
        self.events: list[dict] = []
        self.add(0, "ExecutionStarted", 0)

    def add(self, after: int, kind: str, at: float, **details) -> int:
        """An event `at` seconds after the beginning."""
        event = {"id": len(self.events) + 1, "previousEventId": after, "type": kind}
        event["timestamp"] = BEGAN + timedelta(seconds=at)
        if details:
            event[f"{kind[0].lower()}{kind[1:]}EventDetails"] = details
        self.events.append(event)
        return event["id"]

    def enter(self, after: int, kind: str, name: str, at: float) -> int:
        """A state is entered."""
        event = self.add(after, f"{kind}StateEntered", at)
        self.events[-1]["stateEnteredEventDetails"] = {"name": name}
        return event

    def exit(self, after: int, kind: str, name: str, at: float) -> int:
        """A state is left."""
        event = self.add(after, f"{kind}StateExited", at)
        self.events[-1]["stateExitedEventDetails"] = {"name": name}
        return event

    def through(self, after: int, kind: str, name: str, at: float) -> int:
        """A state is entered and at once left."""
        return self.exit(self.enter(after, kind, name, at), kind, name, at)

    def attempt(self, after: int, at: float, took: float, error: str = "") -> int:
        """One call of a function, that succeeds or fails."""
        event = self.add(after, "TaskScheduled", at, resourceType="lambda", resource="invoke")
        event = self.add(event, "TaskStarted", at, resourceType="lambda", resource="invoke")
        if error:
            return self.add(event, "TaskFailed", at + took, error=error, cause="{}")
        return self.add(event, "TaskSucceeded", at + took, resource="invoke")


def task(**fields) -> dict:
    """A Task in a definition."""
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", **fields}


def catch(target: str, error: str = "States.ALL") -> dict:
    """A Catch in a definition."""
    return {"ErrorEquals": [error], "Next": target}


BATCH = {
    "StartAt": "Check",
    "States": {
        "Check": {"Type": "Pass", "Next": "IsValid"},
        "IsValid": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.problem = '' %}", "Next": "Each"}],
            "Default": "Invalid",
        },
        "Invalid": {"Type": "Fail", "Error": "Invalid"},
        "Each": {
            "Type": "Map",
            "MaxConcurrency": 40,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "Read",
                "States": {
                    "Read": task(Catch=[catch("Failed")], Next="Judge"),
                    "Judge": task(Catch=[catch("Review", "NOT_SURE"), catch("Failed")], End=True),
                    "Review": {"Type": "Succeed"},
                    "Failed": {"Type": "Succeed"},
                },
            },
            "End": True,
        },
    },
}

BULK = {
    "StartAt": "Batches",
    "States": {
        "Batches": {
            "Type": "Map",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                "StartAt": "Read",
                "States": {"Read": task(Next="Judge"), "Judge": task(End=True)},
            },
            "Next": "Count",
        },
        "Count": task(End=True),
    },
}


def batch() -> list[dict]:
    """BATCH over four items at once: sure; not sure; unreadable; sure at the second attempt."""
    h = History()
    last = h.exit(h.enter(0, "Pass", "Check", 0.1), "Pass", "Check", 0.2)
    last = h.through(last, "Choice", "IsValid", 0.2)
    each = h.add(h.enter(last, "Map", "Each", 0.2), "MapStateStarted", 0.2, length=4)
    items = [
        h.add(each, "MapIterationStarted", 0.3, name="Each", index=index) for index in range(4)
    ]
    # All four are in Read at the same time, so that their events are mixed.
    reads = [h.enter(item, "Task", "Read", 1) for item in items]
    reads[3] = h.attempt(reads[3], 1, 1, "Throttled")
    reads[2] = h.attempt(reads[2], 1, 2, "NotFound")
    reads[0] = h.attempt(reads[0], 1, 1)
    reads[3] = h.attempt(reads[3], 4, 1)
    reads[1] = h.attempt(reads[1], 1, 2)
    ends = {}
    for index, left in ((0, 2), (1, 3), (3, 5)):
        judged = h.enter(h.exit(reads[index], "Task", "Read", left), "Task", "Judge", left)
        judged = h.attempt(judged, left, 0.5, "NOT_SURE" if index == 1 else "")
        ends[index] = h.exit(judged, "Task", "Judge", left + 0.5)
    ends[1] = h.through(ends[1], "Succeed", "Review", 6)
    ends[2] = h.through(h.exit(reads[2], "Task", "Read", 3), "Succeed", "Failed", 6)
    for index, end in ends.items():
        last = h.add(end, "MapIterationSucceeded", 6, name="Each", index=index)
    h.add(last, "MapStateSucceeded", 6)
    # On AWS the exit follows what MapStateSucceeded follows.
    h.add(h.exit(last, "Map", "Each", 6.2), "ExecutionSucceeded", 6.2)
    return h.events


def bulk() -> list[dict]:
    """BULK to its end."""
    h = History()
    last = h.add(h.enter(0, "Map", "Batches", 0.1), "MapStateStarted", 0.1, length=0)
    last = h.add(last, "MapRunStarted", 0.2)
    last = h.add(last, "MapRunSucceeded", 60)
    h.add(last, "MapStateSucceeded", 60)
    last = h.enter(h.exit(last, "Map", "Batches", 60), "Task", "Count", 60)
    last = h.exit(h.attempt(last, 60, 1), "Task", "Count", 61)
    h.add(last, "ExecutionSucceeded", 61)
    return h.events
