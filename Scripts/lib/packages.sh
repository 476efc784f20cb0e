# shellcheck shell=bash
# Sourced by the other scripts: how each system installs a package and where it keeps the C driver.
# Works in bash 3.2, the version of macOS.

# The name in messages; a script outside of Scripts sets its own after it has sourced this.
script="Scripts/${0##*/}"

# say TEXT: prints it to standard error, because standard output belongs to results.
say() { echo "$script: $*" >&2; }

die() {
    say "$*"
    exit 1
}

# not_run TEXT: says which checks are left out because a tool is missing. Where CI=true it ends the script: nobody reads
# there what a run that has succeeded says.
not_run() {
    [[ "${CI:-}" != true ]] || die "NOT RUN: $*; where CI=true, that is an error"
    say "NOT RUN: $*"
}

# Homebrew's 1.x driver is keg-only: pkg-config finds it only if told where.
if [[ "$(uname -s)" == Darwin ]]; then
    for brew in "${HOMEBREW_PREFIX:-/opt/homebrew}" /usr/local; do
        keg="$brew/opt/mongo-c-driver@1/lib/pkgconfig"
        if [[ -d "$keg" ]]; then
            export PKG_CONFIG_PATH="$keg${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
            break
        fi
    done
    unset brew keg
fi

# apt_install PACKAGE...: installs them, as root or through sudo; its output goes to standard error.
apt_install() {
    local -a as_root=()
    if [[ "$(id -u)" -ne 0 ]]; then
        command -v sudo >/dev/null || die "as root, run: apt-get update && apt-get install -y $*"
        as_root=(sudo)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
    say "installing with apt: $*"
    if [[ -z "${apt_is_up_to_date:-}" ]]; then
        "${as_root[@]}" update >&2
        apt_is_up_to_date=1
    fi
    # Without the recommended packages: python3-pip recommends a whole C++ toolchain.
    "${as_root[@]}" install -y --no-install-recommends "$@" >&2
}
