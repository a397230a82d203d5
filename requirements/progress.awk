# What pip says, as one line that counts on a terminal, and as a line for every twenty packages elsewhere: something moves within two
# seconds, and nobody scrolls through pages. `terminal` is 1 on a terminal.

function line(text) {
    if (terminal) printf "\r\033[K  %s", text; else printf "  %s\n", text
    fflush()
}

/^Collecting / { found++; if (terminal || found % 20 == 1) line(found " packages: " $2) }
/^Installing collected packages/ { line("unpacking " found " packages, which takes the longest") }
/^Successfully installed/ { line(found " packages installed"); if (terminal) print "" }
