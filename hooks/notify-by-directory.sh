#!/bin/sh
# Written by ra-agent for many repositories. Git runs it after a commit, a merge, a rewrite, an applied patch in any repository of the
# user, in the top directory of the work tree. It touches the inbox file of the repository that this is, if the agent knows it, with shell
# builtins alone, and never makes Git wait, speak or fail.
exec >/dev/null 2>&1
# what the caller calls the directory may lead there by a link
command cd -P . || exit 0
case $PWD in
@CASES@*) exit 0 ;;
esac
# shellcheck disable=SC2154 # the cases assign it
[ -f "$inbox" ] && [ ! -L "$inbox" ] && command : >"$inbox"
exit 0
