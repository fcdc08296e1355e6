# Sourced by the other scripts: a private .venv with exactly the locked packages.
# Usage: prepare_environment LOCKFILE, prepare_encoder_environment

say() { printf '%s\n' "$*" >&2; }

find_python() {
    local candidate
    for candidate in ${NIGHTDESK_PYTHON:-} python3.11 python3.12 python3.13 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "Nightdesk needs Python 3.11 or newer. On Debian 12 or Ubuntu: apt-get install python3 python3-venv"
    return 1
}

# Debian ships Python without the part that makes a venv.
make_venv() {
    local python=$1 folder=$2
    rm -rf "$folder"
    if "$python" -m venv "$folder" >/dev/null 2>&1; then return; fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing python3-venv …"
        apt_install python3-venv
        "$python" -m venv "$folder"
        return
    fi
    say "Python cannot make a virtual environment here. Install it with: sudo apt-get install python3-venv"
    return 1
}

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 && return
    apt-get update -qq >/dev/null 2>&1 || true
    local said
    if ! said=$(apt-get install -y -qq --no-install-recommends "$@" 2>&1); then
        say "apt-get could not install: $*"
        tail -n 20 <<<"$said" >&2
        return 1
    fi
}

# The stamp names what was installed, so a second run has nothing to do.
prepare_environment() {
    local lock=$1 python stamp
    stamp="$(cat "$lock" pyproject.toml | sha256sum | cut -d' ' -f1) $lock $PWD"
    # A development environment holds everything that the demo needs.
    if [ -x .venv/bin/nightdesk ] && { [ "$(cat .venv/stamp 2>/dev/null)" = "$stamp" ] || holds_more "$lock"; }; then
        return
    fi
    python=$(find_python)
    say "Setting up .venv from $lock (once; about a minute) …"
    make_venv "$python" .venv
    install_locked .venv -r "$lock"
    install_nightdesk .venv
    printf '%s\n' "$stamp" >.venv/stamp
}

# A second environment, with torch: what runs without it must not find it by accident.
prepare_encoder_environment() {
    local folder=.venv-embeddings python stamp
    stamp="$(cat requirements-embeddings.lock requirements-torch.lock pyproject.toml | sha256sum | cut -d' ' -f1) $PWD"
    if [ -x "$folder/bin/nightdesk" ] && [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
    python=$(find_python)
    say "Setting up $folder from requirements-embeddings.lock (once; about two minutes) …"
    make_venv "$python" "$folder"
    if ! install_locked "$folder" -r requirements-torch.lock; then
        say "The encoder's tests need torch's CPU build, pinned in requirements-torch.lock, and pip found none here that fits."
        say "Give pip a place that has it (PyTorch's own index of CPU wheels in PIP_EXTRA_INDEX_URL, or a folder in"
        say "PIP_FIND_LINKS); for another Python or processor add the hash of its build to requirements-torch.lock."
        say "To leave these tests out on purpose: scripts/test --without-encoder"
        return 1
    fi
    install_locked "$folder" -r requirements-embeddings.lock
    install_nightdesk "$folder"
    printf '%s\n' "$stamp" >"$folder/stamp"
}

# Usage: install_locked VENV -r LOCKFILE
install_locked() {
    local folder=$1 lock=$3 said failed=0
    said=$(mktemp)
    "$folder/bin/python" -m pip install --progress-bar off --disable-pip-version-check --require-hashes --no-deps \
        -r "$lock" 2>&1 | tee "$said" | show_progress "$(grep -c '^[A-Za-z0-9].*==' "$lock")" || failed=$?
    [ "$failed" = 0 ] || tail -n 20 "$said" >&2
    rm -f "$said"
    return "$failed"
}

# A minute without a sign of life looks like a program that hangs.
show_progress() {
    local all=$1 done=0 line
    while IFS= read -r line; do
        case $line in
        "Ignoring "*) all=$((all - 1)) ;; # for another Python or system
        "Collecting "* | "Processing "*)
            done=$((done + 1))
            if [ -t 2 ]; then
                printf '\r  %d of %d packages' "$done" "$all" >&2
            elif [ $((done % 25)) = 0 ]; then
                say "  $done of $all packages"
            fi
            ;;
        "Installing collected packages"*)
            if [ -t 2 ]; then printf '\r' >&2; fi
            say "  $all packages are here; unpacking them …"
            ;;
        esac
    done
}

install_nightdesk() {
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
}

holds_more() {
    [ "$1" = requirements-demo.lock ] &&
        [ "$(cat .venv/stamp 2>/dev/null)" = "$(cat requirements-dev.lock pyproject.toml | sha256sum | cut -d' ' -f1) requirements-dev.lock $PWD" ]
}
