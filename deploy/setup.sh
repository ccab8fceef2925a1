#!/bin/sh
# Creates .venv with the locked packages; with "test" also finds or installs a browser.
# uv is used when present (ten times faster), else venv + pip. Says plainly what is missing.
set -eu
what=${1:-run}
venv=.venv
python=${PYTHON:-python3}

fail() { printf '%s\n' "$*" >&2; exit 1; }

command -v "$python" >/dev/null 2>&1 || command -v uv >/dev/null 2>&1 ||
    fail "Python is missing: install python3 (3.11 to 3.13), or uv."

usable() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

make_venv() {
    if command -v uv >/dev/null 2>&1; then
        if usable "$python"; then uv venv -q --python "$(command -v "$python")" "$venv"; else uv venv -q --python 3.12 "$venv"; fi
        return
    fi
    usable "$python" || fail "$python is $("$python" -V 2>&1); Tapewatch needs Python 3.11 to 3.13. Name one with PYTHON=… or install uv."
    "$python" -m venv "$venv" 2>/dev/null && return
    rm -rf "$venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        printf 'Installing python3-venv …\n'
        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
        "$python" -m venv "$venv" && return
    fi
    fail "$python cannot make a virtual environment: install the package python3-venv (Debian) or uv."
}

install() {
    if command -v uv >/dev/null 2>&1; then
        VIRTUAL_ENV=$venv uv pip install -q -c constraints.txt "$@"
    else
        "$venv/bin/python" -m pip install -q --disable-pip-version-check -c constraints.txt "$@"
    fi
}

browser() {
    for name in chromium chromium-browser google-chrome; do command -v "$name" >/dev/null 2>&1 && return; done
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        printf 'Installing Chromium …\n'
        apt-get update -qq && apt-get install -y -qq chromium >/dev/null && return
    fi
    "$venv/bin/python" -m playwright install chromium ||
        fail "No browser for the tests: install the package chromium, or run: $venv/bin/python -m playwright install chromium"
}

if [ ! -x "$venv/bin/python" ] || ! usable "$venv/bin/python"; then
    printf 'Setting up the virtual environment …\n'
    rm -rf "$venv"
    make_venv
fi
if [ "$what" = test ]; then
    install -r requirements.txt -r requirements-demo.txt -r requirements-dev.txt
    browser
    touch "$venv/.ready-run" "$venv/.ready-test"
else
    install -r requirements.txt -r requirements-demo.txt
    touch "$venv/.ready-run"
fi
