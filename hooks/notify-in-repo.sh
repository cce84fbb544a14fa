#!/bin/sh
# ra-agent hook: put here by `ra-agent hooks install --in-repo`; `ra-agent hooks uninstall --in-repo` takes it out again.
# It touches the repository's inbox file with shell builtins alone, and never makes Git wait, speak or fail.
# shellcheck disable=SC2043 # the names are filled in; work trees that share hooks have several
for inbox in @INBOX_FILES@; do
    [ -f "$inbox" ] && [ ! -L "$inbox" ] && command : >"$inbox"
done >/dev/null 2>&1
# The hook that was here before: the same arguments and input, and its exit code.
[ -x "$0.ra-agent-chained" ] && exec "$0.ra-agent-chained" "$@"
exit 0
