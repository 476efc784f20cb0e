# shellcheck shell=bash
# Sourced from the project's folder by the scripts that need the server of Scripts/mongod for a while.

server_root="$PWD"
# Scripts/mongod makes this file if it starts the server for such a script; then the last of them stops the server.
borrowed_mark="$server_root/.cache/mongod/borrowed"
server_is_started_here=false

# borrow_server: starts the server unless it runs, and sets MONGODB_URI. A server that MONGODB_URI names, or that
# somebody has started by hand, keeps running afterwards.
borrow_server() {
    mkdir -p "$server_root/.cache/mongod"
    if command -v flock >/dev/null; then
        exec 8>"$server_root/.cache/mongod/users"
        # Waits while another script is about to stop it.
        flock -s 8
    fi
    "$server_root/Scripts/mongod" uri >/dev/null 2>&1 || server_is_started_here=true
    # The server may outlive this script, so it must not inherit the lock.
    MONGODB_URI="$(BORROWING=true "$server_root/Scripts/mongod" start 8>&-)"
    export MONGODB_URI
}

# return_server: stops the server if a script has started it and no other one uses it.
return_server() {
    if command -v flock >/dev/null; then
        { flock -n 8 && [[ -e "$borrowed_mark" ]]; } 2>/dev/null || return 0
    else
        # Without flock, people have to take turns.
        "$server_is_started_here" || return 0
    fi
    # Quiet on success, so that the last lines are those of the work.
    "$server_root/Scripts/mongod" stop 2>/dev/null || say "the server could not be stopped: Scripts/mongod stop"
}
