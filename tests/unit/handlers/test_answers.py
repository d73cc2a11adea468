import json

import pytest

from handlers.answers import Prediction, parse_answer, parse_answers
from handlers.errors import InvalidModelResponse


def answer(classes, inferences) -> bytes:
    return json.dumps({"classes": classes, "inferences": inferences}).encode()


def test_the_likeliest_class_is_the_label_though_none_of_the_classes_is_likelier():
    rows = [[0.2, 0.8], [0.1, 0.03], [0.0, 0.0]]
    assert parse_answers(answer(["a", "b"], rows), 3) == [
        Prediction(rows[0], "b", 0.8),
        Prediction(rows[1], "a", 0.1),
        Prediction(rows[2], "a", 0.0),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"oops",
        b"[" * 100_000,
        b"null",
        b"{}",
        b'{"classes": ["a", "b"], "inferences": [[NaN, 1]]}',
        b'{"classes": ["a", "b"], "inferences": [[Infinity, 0]]}',
        b'{"classes": ["a", "b"], "inferences": [[1' + b"0" * 400 + b", 0]]}",
        answer(["a", "b"], "[0.9, 0.1]"),
        answer(["a", "b"], [0.9, 0.1]),
        answer(["a", "b"], [[0.9, 0.1], [0.9, 0.1]]),
        answer(["a", "b"], [[0.5, 0.3, 0.2]]),
        answer(["a", "b"], [[0.9, 0.2]]),
        answer(["a", "b"], [[1.2, -0.2]]),
        answer(["a", "b"], [[True, False]]),
        answer(["a", "b"], [[None, 1]]),
        answer([], [[]]),
        answer("ab", [[0.9, 0.1]]),
        answer(["a", "a"], [[0.9, 0.1]]),
        answer(["a", ""], [[0.9, 0.1]]),
        answer(["a", 1], [[0.9, 0.1]]),
        answer(["a", "\ud800"], [[0.9, 0.1]]),
        answer(["a", "b" * 65], [[0.9, 0.1]]),
        answer(["a", "é" * 33], [[0.9, 0.1]]),
    ],
)
def test_rubbish_is_refused(body):
    with pytest.raises(InvalidModelResponse):
        parse_answer(body)
