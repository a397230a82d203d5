"""`make generated`: writes what is stale of the generated files, and says which that was."""

import sys

from deploy.generated import FILES, PARTS, write

if __name__ == "__main__":
    written = write()
    for path in written:
        sys.stdout.write(f"{path}: written anew\n")
    sys.stdout.write(f"{len(FILES) + len(PARTS) - len(written)} generated files were up to date\n")
