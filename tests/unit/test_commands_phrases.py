"""`behoudlijn phrases`: the sentences of a language, and the mistakes of a file, each with its line."""

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from streams.cli import build
from streams.core.signals import SIGNALS


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(build(), ["phrases", *arguments], env=environment)


def test_every_signal_is_shown_with_its_sentences() -> None:
    shown = run("--language", "nl-BE").stdout.splitlines()
    assert [line for line in shown if not line.startswith(" ")] == sorted(SIGNALS)
    at = shown.index("contacts_7d")
    assert shown[at + 1 : at + 4] == [f"    zocht {n} keer contact in 7 dagen" for n in (1, 2, 5)]


def test_days_and_hours_are_those_of_the_policy(tmp_path: Path) -> None:
    policy = tmp_path / "ours.yaml"
    policy.write_text(
        "{extends: default, name: ours, version: 1, description: short, shape: {silent_after_hours: 1, horizon_days: 14}}"
    )
    shown = run("--policy", str(policy)).stdout
    assert "gave up waiting and got no answer within one hour (2 times in 14 days)" in shown


def test_what_is_printed_is_a_start_for_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "nl-BE.ftl").write_text(run("--language", "nl", "--ftl").stdout.replace("zocht", "nam"))
    shown = run("--language", "nl-BE", BEHOUDLIJN_PHRASES=str(tmp_path))
    assert "nam 2 keer contact in 7 dagen" in shown.stdout


@pytest.mark.parametrize("given", [("--language", "fr"), ("--directory", "nowhere")])
def test_what_cannot_be_spoken_ends_it(given: tuple[str, ...]) -> None:
    result = run(*given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("phrases: ")


def test_each_mistake_has_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "de.ftl").write_text("times = mal\ncontacts_7d = meldete sich { often }\n")
    told = run("--directory", str(tmp_path)).stderr.splitlines()
    assert f"phrases: {tmp_path / 'de.ftl'}:2: contacts_7d uses often, which is not in this file" in told
    assert len(told) == len(SIGNALS) + 1
