"""The limits of whoever reads reports, in the embedded server's configuration: those of production's deploy/clickhouse/users.xml."""

from pathlib import Path
from typing import Final

_USERS: Final = Path(__file__).resolve().parents[1] / "clickhouse" / "users.xml"
_INDENT: Final = " " * 8


def limits() -> str:
    """Return the profile `behoudlijn_bi` as it stands there, and the indentation of the mark behind it. Raises ValueError."""
    text = _USERS.read_text(encoding="utf-8")
    begin, end = f"{_INDENT}<behoudlijn_bi>\n", f"{_INDENT}</behoudlijn_bi>\n"
    profiles = text[text.index("<profiles>") : text.index("</profiles>")]
    return profiles[profiles.index(begin) : profiles.index(end)] + end + _INDENT
