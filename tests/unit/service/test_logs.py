from service.logs import JobLog, ScriptLines

CONTAINER = """\
Starting training script
Python 3.11.7
Executing command: /usr/bin/python3 train.py --epochs 2
640 images of bicycle, motorcycle
epoch=1    loss=0.6  validation_accuracy=0.7000
test_accuracy=0.9000
+ echo 'Training Container Execution Completed'
Training Container Execution Completed
""".splitlines()


def test_the_scripts_own_lines_and_traceback_are_shown_and_the_drivers_are_not():
    script = ScriptLines("train.py")
    assert [line for line in CONTAINER if script.pick(line)] == CONTAINER[3:6]
    assert script.any
    script = ScriptLines("train.py")
    log = [
        *CONTAINER[:3],
        "Traceback (most recent call last):",
        "train.JobError: no channel",
        "Command failed with exit code 1. Traceback: Traceback (most recent call last):",
        "subprocess.CalledProcessError",
    ]
    assert [line for line in log if script.pick(line)] == log[3:5]


def test_a_job_that_never_reached_the_script_leaves_its_last_lines():
    script = ScriptLines("train.py")
    log = [f"pip line {number}" for number in range(40)]
    assert [line for line in log if script.pick(line)] == []
    assert not script.any
    assert list(script.tail) == log[-15:]


class Logs:
    """CloudWatch Logs with one stream, which answers the same token where there is no more."""

    class exceptions:  # noqa: N801 - boto3's name
        class ResourceNotFoundException(Exception):  # noqa: N818
            pass

    def __init__(self):
        self.messages: list[str] | None = None

    def describe_log_streams(self, **_):
        if self.messages is None:
            raise self.exceptions.ResourceNotFoundException
        return {"logStreams": [{"logStreamName": "job/algo-1"}]}

    def get_log_events(self, nextToken="0", **_):  # noqa: N803 - boto3's name
        page = self.messages[int(nextToken) : int(nextToken) + 2]
        return {
            "events": [{"message": message} for message in page],
            "nextForwardToken": str(int(nextToken) + len(page)),
        }


def test_a_log_is_read_on_from_where_it_was_left():
    logs = Logs()
    log = JobLog(logs, "job")
    assert list(log.read_lines()) == []
    logs.messages = ["a", "b\nc", "d"]
    assert list(log.read_lines()) == ["a", "b", "c", "d"]
    assert list(log.read_lines()) == []
    logs.messages.append("e")
    assert list(log.read_lines()) == ["e"]
