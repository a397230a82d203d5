"""Policy files: the built-in ones are right; a wrong one is told mistake by mistake, with the line."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from streams.commands import policy as command
from streams.policies import PolicyError, built_in, load_policy, policy_path

DEFAULT = policy_path("default").read_text(encoding="utf-8")


def run(*arguments: str) -> Result:
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, ["policy", *arguments], env={"COLUMNS": "200"})


def line_of(text: str, part: str) -> int:
    """The number, from 1, of the first line that holds `part`."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def changed(file: Path, *replacements: tuple[str, str]) -> str:
    """The default policy with replacements, written to `file`; each must apply."""
    text = DEFAULT
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")
    return text


@pytest.mark.parametrize("name", built_in())
def test_a_built_in_policy_is_right_and_its_label_names_it(name: str) -> None:
    policy = load_policy(name)
    assert policy.name == name
    assert policy.label.startswith(f"{name}/{policy.version}@")
    assert run("check", name).exit_code == 0


def test_the_label_changes_with_any_number(file: Path) -> None:
    changed(file, ("intercept: {value: -3.6", "intercept: {value: -3.5"))
    assert load_policy(str(file)).label != load_policy("default").label


def test_every_mistake_is_told_with_its_line(file: Path) -> None:
    text = changed(
        file,
        ("open_at: 0.5", "open_at: 1.5"),
        ("tenure_years: {weight: -0.05", "tenure_years: {weight: 0.05"),
        ("{name: watch, starts_at: 0.15}", "{name: watch, starts_at: 0.15, colour: grey}"),
        ("cooldown_days: 14", "cooldown_days: soon"),
    )
    with pytest.raises(PolicyError) as caught:
        load_policy(str(file))
    told = {int(problem.split(":")[0]) for problem in caught.value.problems}
    marks = ("open_at: 1.5", "tenure_years", "colour: grey", "cooldown_days: soon")
    assert told == {line_of(text, mark) for mark in marks}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("third_contact: {", "third_contcat: {", "unknown signal 'third_contcat'"),
        ("{name: amber, starts_at: 0.3}", "{name: amber, starts_at: 0.1}", "bands: they start at 0 and rise"),
        ("close_below: 0.35", "close_below: 0.9", "close_below must not be above open_at"),
        ("version: 1", "version: one", "version: "),
    ],
)
def test_a_mistake_across_parts_says_what_is_wrong(file: Path, old: str, new: str, said: str) -> None:
    changed(file, (old, new))
    with pytest.raises(PolicyError, match=said):
        load_policy(str(file))


def test_check_prints_file_and_line_and_ends_with_2(file: Path) -> None:
    text = changed(
        file,
        ("open_at: 0.5", "open_at: 1.5"),
        ("third_contact: {weight: 0.2", "third_contact: {weight: heavy"),
    )
    result = run("check", str(file))
    assert result.exit_code == 2
    for mark in ("open_at: 1.5", "weight: heavy"):
        assert f"{file}:{line_of(text, mark)}: " in result.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: [unclosed\n", ": not YAML"),
        (b"- a list\n", "1: a policy is a mapping"),
        (b"", "1: a policy is a mapping"),
        (b"name: \xff\n", "1: not YAML"),
        (DEFAULT.replace("2000-01-01", "2000-02-30").encode(), "calling_hours.1.effective_from: "),
    ],
)
def test_a_file_that_is_no_policy_gives_no_traceback(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    result = run("check", str(file))
    assert result.exit_code == 2
    assert said in result.output
    assert isinstance(result.exception, SystemExit)


def test_a_name_that_there_is_not_lists_those_that_there_are() -> None:
    result = run("show", "defualt")
    assert result.exit_code == 2
    assert "built in: default" in result.output


def test_list_and_show() -> None:
    listed = run("list").output
    assert all(load_policy(name).label in listed for name in built_in())
    shown = run("show", "default").output
    policy = load_policy("default")
    assert policy.score is not None
    assert all(name in shown for name in policy.score.weights)
    assert run("show", "default", "--yaml").output == DEFAULT


def test_each_unknown_signal_and_each_repeated_key_is_told_with_its_line(file: Path) -> None:
    text = changed(
        file,
        ("low_csat: {", "low_cat: {"),
        ("detractor: {", "detractors: {"),
        ("cooldown_days: 14", "cooldown_days: 14\ncooldown_days: 7"),
    )
    result = run("check", str(file))
    assert result.exit_code == 2
    for part, said in (
        ("low_cat", "unknown signal 'low_cat'"),
        ("detractors", "unknown signal 'detractors'"),
    ):
        assert f"{file}:{line_of(text, part)}: score.weights.{part}: {said}" in result.output
    assert f":{line_of(text, 'cooldown_days: 7')}: cooldown_days is given twice" in result.output
