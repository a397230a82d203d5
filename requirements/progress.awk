# What uv says, as one line that changes on a terminal, and elsewhere without what it says of each package; an error goes through.
# `terminal` is 1 on a terminal.

function line(text) {
    if (terminal) printf "\r\033[K  %s", text; else printf "  %s\n", text
    fflush()
}

/^ *Using Python/ || /^ [+~-] / { next }
/^Downloading / { under++; if (terminal || under % 10 == 1) line("downloading " $2 " " $3); next }
/^ Downloaded / { if (terminal) line("downloaded " $2); next }
/^(Resolved|Prepared|Installed|Audited|Checked|Uninstalled) / { line($0); next }
{ if (terminal && !told++) print ""; print }
END { if (terminal) print "" }
