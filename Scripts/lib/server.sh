# shellcheck shell=bash
# Sourced from the project's folder by the scripts that need the server of Scripts/mongod for a while.

server_root="$PWD"
# Made by Scripts/mongod where it has started the server for such a script: it goes with the last of them.
borrowed_mark="$server_root/.cache/mongod/borrowed"
server_is_started_here=false

# borrow_server: starts it unless it runs, and sets MONGODB_URI. A server that MONGODB_URI names, or that somebody has
# started by hand, stays afterwards.
borrow_server() {
    mkdir -p "$server_root/.cache/mongod"
    if command -v flock >/dev/null; then
        exec 8>"$server_root/.cache/mongod/users"
        # Waits where another script is about to stop it.
        flock -s 8
    fi
    "$server_root/Scripts/mongod" uri >/dev/null 2>&1 || server_is_started_here=true
    # The server outlives this script's other programs: the lock must not stay with it.
    MONGODB_URI="$(BORROWING=true "$server_root/Scripts/mongod" start 8>&-)"
    export MONGODB_URI
}

# return_server: stops it where a script has started it and no other one uses it.
return_server() {
    if command -v flock >/dev/null; then
        { flock -n 8 && [[ -e "$borrowed_mark" ]]; } 2>/dev/null || return 0
    else
        # People have to take turns.
        "$server_is_started_here" || return 0
    fi
    # Quiet when all is well: the last lines are those of the work.
    "$server_root/Scripts/mongod" stop 2>/dev/null || say "the server could not be stopped: Scripts/mongod stop"
}
