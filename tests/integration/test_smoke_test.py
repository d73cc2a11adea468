"""`python -m scripts.smoke_test` on a stage that has an endpoint and a dataset."""


def test_each_class_gets_an_answer_and_a_file_that_is_no_photo_its_error(service):
    said = service.script("smoke_test").stdout.splitlines()
    ended = {words[0]: words[-3] for line in said if len(words := line.split()) >= 4}
    assert {ended["bicycle"], ended["motorcycle"]} <= {"accepted", "review"}
    assert ["text", "file", "InvalidImage"] in [line.split() for line in said]
