"""What is made from code is what the code makes now, and `make generated` mends what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.generated import FILES, PARTS, ROOT, contents, filled, stale, write
from deploy.generated.notice import NOTICE

CONTENTS = contents()


@pytest.mark.parametrize("path", CONTENTS)
def test_a_generated_file_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == CONTENTS[path], (
        f"{path} is stale: run `make generated`"
    )


def test_make_generated_mends_what_is_stale_and_nothing_else(tmp_path: Path) -> None:
    for path, text in CONTENTS.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "docs/metrics.md").write_text("of yesterday", encoding="utf-8")
    (tmp_path / "docs/alerts.md").unlink()
    page = tmp_path / "docs/security.md"
    page.write_text(
        page.read_text(encoding="utf-8").replace("| topic | `contact.calls`", "| topic | `calls`")
    )
    expected = ["docs/alerts.md", "docs/metrics.md", "docs/security.md"]
    assert stale(tmp_path) == expected
    assert write(tmp_path) == expected
    assert {path: (tmp_path / path).read_text(encoding="utf-8") for path in CONTENTS} == CONTENTS
    assert write(tmp_path) == []


def test_every_page_that_says_so_is_on_the_list() -> None:
    pages = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in (*ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.xml"))
    }
    assert {path for path, text in pages.items() if NOTICE in text} == {
        path for path in FILES if path.endswith(".md")
    }
    assert {path for path, text in pages.items() if "<!-- generated: " in text} == set(PARTS)


def test_a_part_without_its_marks_is_an_error() -> None:
    assert filled("a\n<!-- generated: x -->\nold\n<!-- end -->\nb\n", "x", "new\n") == (
        "a\n<!-- generated: x -->\nnew\n<!-- end -->\nb\n"
    )
    for page in ("a\n", "<!-- generated: x -->\n", "<!-- generated: y -->\n<!-- end -->\n"):
        with pytest.raises(ValueError, match="lacks <!-- generated: x -->"):
            filled(page, "x", "new\n")
