"""Policy files: the built-in ones are right; a wrong one is told mistake by mistake, with the line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streams import policies
from streams.cli import build
from streams.documents import DocumentError
from streams.policies import built_in, load_policy, policy_path

DEFAULT = policy_path("default").read_text(encoding="utf-8")
PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
LABELS = {
    "default": "default/2@14b51dae",
    "four-unresolved-calls": "four-unresolved-calls/2@33d124e5",
}
"""What stands in records of today: whoever changes a number of these policies gives it a new version."""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["policy", *arguments], env={"COLUMNS": "200"})


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
    assert policy.label == LABELS[name]
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
    with pytest.raises(DocumentError) as caught:
        load_policy(str(file))
    told = {problem.line for problem in caught.value.problems}
    marks = ("open_at: 1.5", "tenure_years", "colour: grey", "cooldown_days: soon")
    assert told == {line_of(text, mark) for mark in marks}


def test_mistakes_of_fields_and_between_fields_are_told_together_in_the_order_of_lines(file: Path) -> None:
    text = changed(
        file,
        ("horizon_days: 90", "horizon_days: ninety"),
        ("close_below: 0.35", "close_below: 0.9"),
        ("third_contact: {", "third_contcat: {"),
        ("band_hysteresis: 0.05", "band_hysteresis: 0.2"),
        ("due_hours: 24, valid_hours: 168", "due_hours: 240, valid_hours: 168"),
        ('sunday: {opens: "08:00", closes: "21:00"}', 'sunday: {opens: "22:00", closes: "06:00"}'),
        ("country: NL", "country: Holland"),
    )
    marks = (
        "ninety", "close_below", "third_contcat", "band_hysteresis", "due_hours: 240", "Holland", 'opens: "22:00", closes: "06:00"',
    )  # fmt: skip
    result = run("check", str(file))
    assert result.exit_code == 2
    told = [int(line.removeprefix(f"policy: {file}:").split(":")[0]) for line in result.stderr.splitlines()]
    # Of two keys that do not fit each other, the part that holds both is named.
    assert told == [
        line_of(text, "score:") if mark == "close_below" else line_of(text, mark) for mark in marks
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("third_contact: {", "third_contcat: {", "unknown signal 'third_contcat'"),
        ("{name: amber, starts_at: 0.3}", "{name: amber, starts_at: 0.1}", "bands: they start at 0 and rise"),
        ("close_below: 0.35", "close_below: 0.9", "close_below must not be above open_at"),
        ("version: 2", "version: one", "version: "),
    ],
)
def test_a_mistake_across_parts_says_what_is_wrong(file: Path, old: str, new: str, said: str) -> None:
    changed(file, (old, new))
    with pytest.raises(DocumentError, match=said):
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
        (b"- a list\n", "1: no policy: keys with values"),
        (b"", "1: no policy: keys with values"),
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


def extending(file: Path, text: str, base: str = "default") -> Path:
    """A file that says `text` beside what a policy must have for itself."""
    file.write_text(f"extends: {base}\nname: ours\nversion: 3\ndescription: Ours.\n{text}", encoding="utf-8")
    return file


@pytest.mark.parametrize("base", built_in())
def test_a_policy_that_changes_nothing_says_what_the_other_says(file: Path, base: str) -> None:
    own = {"name": "ours", "version": 3, "description": "Ours.", "calibrated": False}
    ours, other = load_policy(str(extending(file, "", base))), load_policy(base)
    assert ours == other.model_copy(update=own)
    assert list(ours.purposes) == list(other.purposes)


def test_mappings_are_laid_over_one_another_and_lists_and_values_replaced(file: Path) -> None:
    text = (
        "score:\n  open_at: 0.45\n  weights:\n    low_csat: {weight: 1.3}\n    detractor: null\n"
        "    contacts_7d: {weight: 0.1, effect: raises, source: ours}\n"
        "bands: [{name: calm, starts_at: 0.0}]\ncooldown_days: 7\nshape: null\n"
    )
    ours, other = load_policy(str(extending(file, text))), load_policy("default")
    assert ours.score is not None
    assert other.score is not None
    assert (ours.score.open_at, ours.score.close_below) == (0.45, other.score.close_below)
    low = other.score.weights["low_csat"]
    assert ours.score.weights["low_csat"] == low.model_copy(update={"weight": 1.3})
    kept = [name for name in other.score.weights if name != "detractor"]
    assert list(ours.score.weights) == [*kept, "contacts_7d"]
    assert [band.name for band in ours.bands] == ["calm"]
    assert ours.cooldown_days == 7
    assert (other.shape.max_facts, ours.shape.max_facts) == (100, 200)
    assert (ours.calling_hours, ours.purposes) == (other.calling_hours, other.purposes)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("score: {open_at: 1.5}", 5, "score.open_at: Input should be less than or equal to 1"),
        ("score:\n  close_below: 0.9\n", 5, "score: close_below must not be above open_at"),
        (
            "score:\n  weights:\n    low_csat: {source: null}\n",
            7,
            "score.weights.low_csat.source: Field required",
        ),
        (
            "score:\n  weights:\n    low_cat: null\n",
            7,
            "score.weights.low_cat: there is nothing that null could remove",
        ),
        ("cooldown:\n  days: null\n", 6, "cooldown.days: there is nothing that null could remove"),
        ("score:\n", 5, "score: Input should be a valid dictionary"),
        ('cooldown_days: "null"', 5, "cooldown_days: Input should be a valid number"),
        ("purposes: null", 5, "purposes: Field required"),
        (
            "purposes:\n  save: null\n  service_recovery: null\n",
            5,
            "purposes: missing: save, which act_on_requests opens; service_recovery, which the score opens",
        ),
        ("shape: {}\nshape: {}\n", 6, "shape is given twice, first in line 5"),
    ],
)
def test_a_mistake_in_what_is_laid_over_is_told_with_its_line(
    file: Path, text: str, line: int, said: str
) -> None:
    result = run("check", str(extending(file, text)))
    assert result.exit_code == 2
    assert f"policy: {file}:{line}: {said}" in result.output


@pytest.mark.parametrize("value", ["defualt", "[default]", "./default.yaml", "null"])
def test_only_a_policy_that_comes_along_can_be_extended(file: Path, value: str) -> None:
    result = run("check", str(extending(file, "", value)))
    assert result.exit_code == 2
    assert f"{file}:1: extends: no such policy; built in: default, four-unresolved-calls" in result.output


def test_which_policy_it_is_does_not_pass_on(file: Path) -> None:
    file.write_text("extends: default\n", encoding="utf-8")
    output = run("check", str(file)).output
    assert all(f"{file}:1: {key}: Field required" in output for key in ("name", "version", "description"))


def test_a_circle_and_a_mistake_of_the_other_file_are_told_with_that_file(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "HERE", tmp_path)
    (tmp_path / "a.yaml").write_text("extends: b\n")
    (tmp_path / "b.yaml").write_text("name: b\nextends: a\n")
    assert f"{tmp_path / 'a.yaml'}:1: extends: a circle: b -> a -> b" in run("check", "a").output
    (tmp_path / "a.yaml").write_text(DEFAULT.replace("open_at: 0.5", "open_at: 1.5"))
    output = run("check", str(extending(file, "cooldown_days: soon", "a"))).output
    first = output.index(f"{file}:5: cooldown_days: ")
    mark = line_of(DEFAULT, "open_at: 0.5")
    assert output.index(f"{tmp_path / 'a.yaml'}:{mark}: score.open_at: ") > first


def test_what_is_shown_is_the_whole_and_says_the_same(file: Path, tmp_path: Path) -> None:
    extending(file, "score:\n  weights:\n    low_csat: {weight: 1.3}\n")
    shown = run("show", str(file)).output
    assert "It extends default." in shown
    assert "cancel_intent" in shown
    policy = load_policy(str(file))
    label, weights = policy.label, len(policy.score.weights) if policy.score else 0
    assert run("check", str(file)).output == (
        f"{file}: fine. {label}: {weights} weighted signals, 0 plain rules. It extends default.\n"
    )
    alone = tmp_path / "alone.yaml"
    alone.write_text(run("show", str(file), "--yaml").output, encoding="utf-8")
    assert "extends" not in alone.read_text(encoding="utf-8")
    assert load_policy(str(alone)).label == label


def test_the_example_of_the_page_does_what_the_page_says(file: Path) -> None:
    file.write_text(PAGE.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    ours, other = load_policy(str(file)), load_policy("default")
    assert ours.score is not None
    assert other.score is not None
    low = other.score.weights["low_csat"]
    assert ours.score.weights["low_csat"] == low.model_copy(update={"weight": 1.3})
    assert "high_effort" not in ours.score.weights
    assert [band.name for band in ours.bands] == ["calm", "red"]
    assert set(other.purposes) - set(ours.purposes) == {"incident"}
    assert ours.purposes["save"].priority == 90


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
