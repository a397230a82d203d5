"""docs/commands.md: every command with the codes that it may end with, and what each code means."""

from collections.abc import Iterator

from typer.core import TyperGroup
from typer.main import get_command

from deploy.generated.notice import NOTICE
from streams.cli import ALWAYS, COMMANDS, build
from streams.telemetry.exit_codes import MEANINGS, ExitCode


def commands_page() -> str:
    """Return the page's text."""
    lines = [
        "# Commands\n",
        NOTICE,
        "`behoudlijn COMMAND --help` tells the options of each. A command that has something to say of what went wrong says it on standard",
        "error, a line for each mistake; standard output holds the result only. Tables are as wide as the terminal, and whole where the output is",
        "no terminal; `COLUMNS=120` asks for another width.\n",
        "## What each does, and how it may end\n",
        f"Any command may end with {_codes(ALWAYS)}. The last column says with which codes beside these.\n",
        "| command | what it does | codes |",
        "|---|---|---|",
        *_commands(),
        "\n## Exit codes\n",
        "One mistake has one code, whichever command meets it; from 65 on they are those of `sysexits.h`, or a shell's own. An orchestrator may",
        f"start anew what ended with {_codes(code for code in ExitCode if code.again)}; for systemd: `Restart=on-failure` and",
        f"`RestartPreventExitStatus={' '.join(str(int(code)) for code in _final())}`.\n",
        "| code | name | what it means | what to do |",
        "|---:|---|---|---|",
        *(
            f"| {code:d} | `{code.name}` | {meaning} | {advice} |"
            for code, (meaning, advice) in MEANINGS.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _final() -> Iterator[ExitCode]:
    """Yield the codes of failures that come back when a worker is started again as it was."""
    yield from (ExitCode.MISTAKE, ExitCode.BAD_DATA, ExitCode.MISFIT)


def _commands() -> Iterator[str]:
    whole = get_command(build())
    assert isinstance(whole, TyperGroup)
    for name, entry in COMMANDS.items():
        command = whole.get_command(None, name)  # type: ignore[arg-type]
        for sub, codes in entry.codes.items():
            leaf = command.commands[sub] if isinstance(command, TyperGroup) else command
            assert leaf is not None
            meaning = " ".join((leaf.help or "").split("\n\n")[0].split()).replace("<", "&lt;")
            yield f"| `{f'{name} {sub}'.strip()}` | {meaning} | {_codes(codes)} |"


def _codes(codes: Iterator[ExitCode] | tuple[ExitCode, ...]) -> str:
    return ", ".join(str(int(code)) for code in sorted(codes))
