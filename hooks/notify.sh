#!/bin/sh
# Written by ra-agent for one repository. Git runs it after a commit, a merge, a rewrite, an applied patch.
# It touches the repository's inbox file with shell builtins alone, and never makes Git wait, speak or fail: a file that is
# gone, a directory, a FIFO, a link is let alone; `command` keeps a redirection that fails from ending the shell.
exec >/dev/null 2>&1
# shellcheck disable=SC2043 # the names are filled in; work trees that share hooks have several
for inbox in @INBOX_FILES@; do
    [ -f "$inbox" ] && [ ! -L "$inbox" ] && command : >"$inbox"
done
exit 0
