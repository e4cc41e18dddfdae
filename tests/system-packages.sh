#!/bin/sh
# Tests drive a browser, draw Chinese text, start Spark and a PostgreSQL server. Install what is missing where apt and
# root allow it; elsewhere name the one command, and leave it to the tests to say what they skip.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
    command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
command -v java >/dev/null 2>&1 || missing="$missing default-jre-headless"
command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=zh 2>/dev/null)" ] ||
    missing="$missing fontconfig fonts-wqy-microhei"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "Installing for the tests:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # a list of packages
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null
elif command -v apt-get >/dev/null 2>&1; then
    echo "For the tests of browser, Spark, PostgreSQL and Chinese text, run: sudo apt-get install$missing"
else
    echo "For the tests of browser, Spark, PostgreSQL and Chinese text, install:$missing"
fi
