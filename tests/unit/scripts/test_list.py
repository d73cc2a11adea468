from scripts.__main__ import commands, main


def test_each_command_is_listed_with_what_it_does(capsys):
    main()
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len(commands())
    assert {"etl", "train", "deploy_endpoint", "bulk", "monitor"} <= commands().keys()
    for line in listed:
        assert len(line.split(maxsplit=3)) == 4
