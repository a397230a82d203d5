"""What a generated page says of itself, so that nobody edits it by hand."""

from typing import Final

NOTICE: Final = "<!-- Made by `make generated`; edit the code instead. -->\n"
