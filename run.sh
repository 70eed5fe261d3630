#!/usr/bin/env bash
# The one way in: set-up if something is missing, build if something is stale, then the judge's command line.
# `./run.sh help` explains the commands.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Debian package, and why. The groups are installed when a command first needs them.
declare -A packages=(
    [core]='
gcc                    compiles the servers, the pool and the load generator
libc6-dev              C headers
make                   builds what is stale
libev-dev              event loop
libjansson-dev         JSON in C
libc-ares-dev          names to addresses without blocking
node-llhttp            HTTP/1.1 parsing (its C source)
python3                runs the judge
python3-pytest         drives the scenarios
python3-pytest-xdist   runs them side by side (--jobs)
python3-pytest-timeout ends a scenario that hangs
python3-jinja2         writes the report page
python3-rich           prints tables
gnuplot-nox            draws every chart'
    [servers]='
nginx                  a real server for the load scenarios (started by the harness only, never as a service)'
    [tomcat]='
libtomcat10-java        Tomcat as a library: no service, no configuration of its own
openjdk-17-jdk-headless runs Java, and compiles what of it is ours'
    [shipped]='
tomcat10-user          the server.xml that Tomcat ships, to read: no service, nothing of /etc'
    [ngx_lua]='
libnginx-mod-http-lua  the real cosocket pool, as a subject
lua-cjson              JSON for its adapter'
    [java]='
openjdk-17-jdk-headless runs Java, and compiles what of it is ours
libgoogle-gson-java    JSON for their adapter'
    [network]='
iproute2               joins network namespaces of our own
nftables               cuts them, and makes a NAT
conntrack              makes the NAT forget'
    [bench]='
wrk                    the load generator that ours is measured against'
    [test]='
clang                  second compiler: our code must be free of its warnings too
libclang-rt-14-dev     its sanitizers
libcmocka-dev          C unit tests
libcurl4-openssl-dev   what the template of an adapter in C is written around
pkgconf                finds the installed library, as a program of its users would
python3-hypothesis     property tests'
)
# The groups that a command needs beside core; a word among its arguments (a subject's name, a server's) may need more.
declare -A needs=(
    [scenario]='servers'
    [bench]='bench'
    [differential]='servers'
    [test]='servers tomcat shipped ngx_lua java network bench test'
)
declare -A needs_of_word=(
    [nginx]='servers'
    [ngx_lua]='servers ngx_lua'
    [tomcat]='tomcat'
    [java_]='java'
)
# What is built before a command; elsewhere it is release.
declare -A builds=(
    [mutants]='release san'
    [faults]='release san'
    [test]='release san'
)

say() { printf '%s\n' "$*" >&2; }

missing_of() { # GROUP...: lines "package why" of what is not installed
    local group wanted installed
    wanted=$(for group in "$@"; do printf '%s\n' "${packages[$group]}"; done | sed '/^ *$/d' | sort -u)
    installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $(awk '{print $1}' <<<"$wanted") 2>/dev/null |
        sed -n 's/^installed //p' | tr '\n' ' ')"
    while read -r package why; do
        case "$installed" in *" $package "*) ;; *) printf '%s\t%s\n' "$package" "$why" ;; esac
    done <<<"$wanted"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    [ "$install" = yes ] && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

install_packages() { # PACKAGE...: no question, no service started
    # A fresh package's maintainer script asks policy-rc.d before it starts a service; 101 says no. One that is there already
    # is its owner's word and stays.
    local policy=/usr/sbin/policy-rc.d made=no log status=0
    log=$(mktemp)
    if [ ! -e "$policy" ]; then
        as_root sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy"
        made=yes
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    { as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
            -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install "$@"; } >"$log" 2>&1 </dev/null || status=$?
    if [ $made = yes ]; then
        as_root rm -f "$policy"
        trap - EXIT
    fi
    if [ $status != 0 ]; then
        tail -n 20 "$log" >&2
        say "set-up: apt-get could not install the packages above (its last lines are shown); the whole log: $log"
        exit 3
    fi
    rm -f "$log"
}

set_up() { # GROUP...
    if ! command -v dpkg-query >/dev/null; then
        say "set-up: this is not Debian (no dpkg); the packages listed in run.sh are needed under your system's names"
        exit 2
    fi
    local missing names
    missing=$(missing_of "$@")
    [ -n "$missing" ] || return 0
    names=$(cut -f1 <<<"$missing" | tr '\n' ' ')
    if ! may_install; then
        say "set-up: these Debian packages are missing:"
        sed 's/^/    /' <<<"$missing" >&2
        say "Install them with:  sudo apt-get install --no-install-recommends ${names% }"
        exit 2
    fi
    say "set-up: installing Debian packages (no service is started):"
    sed 's/^/    /' <<<"$missing" >&2
    # shellcheck disable=SC2086 # names are words
    install_packages $names
}

plays() { # PATTERN ARGUMENT...: whether a scenario whose file has the pattern is among those that a command line chooses
    local pattern=$1 argument file name full=no chosen=()
    shift
    for argument in "$@"; do
        case "$argument" in
        --full) full=yes ;;
        *'*'*) chosen+=("$argument") ;;
        */*) [ ! -d "$root/scenarios/${argument%%/*}" ] || chosen+=("$argument") ;;
        esac
    done
    for file in $(grep -ls "$pattern" "$root"/scenarios/*/*.toml); do
        name=${file#"$root/scenarios/"} name=${name%.toml}
        for argument in "${chosen[@]:-*}"; do # a slow one runs where it is named, or under --full
            # shellcheck disable=SC2053 # a glob is meant
            [[ $name == $argument ]] || continue
            if [ $full = yes ] || [ "$name" = "$argument" ] || ! grep -q '^tags = .*"slow"' "$file"; then return 0; fi
        done
    done
    return 1
}

build() { # VARIANT [TARGET]
    local log
    log=$(mktemp)
    if ! make -s -C "$root" -j"$(nproc)" VARIANT="$1" "${2:-all}" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        say "build: make failed; its output is above"
        exit 3
    fi
    rm -f "$log"
}

judge() {
    exec env -u PYTHONHOME PYTHONNOUSERSITE=1 PYTHONPATH="$root/harness:$root" /usr/bin/python3 -m judge "$@"
}

install=yes
arguments=()
for argument in "$@"; do
    if [ "$argument" = --no-install ]; then install=no; else arguments+=("$argument"); fi
done
set -- ${arguments[@]+"${arguments[@]}"}
command=${1:-help}
for argument in "$@"; do # asking how a command works needs none of what the command needs
    case "$argument" in -h | --help) [ "$command" = serve ] || command=help ;; esac
done

wanted='core'
case "$command" in
version | --version)
    sed -n 's/^VERSION = "\(.*\)"/poolspec \1/p' "$root/harness/judge/__init__.py"
    exit
    ;;
clean)
    rm -rf "$root/build" "$root/reports/out"
    exit
    ;;
setup) wanted="${!packages[*]}" ;;
scenario | */*) # family/name is its short form
    wanted+=" ${needs[scenario]}"
    if plays 'kind = "tomcat"' "$@"; then wanted+=' tomcat'; fi
    if plays '^network = ' "$@"; then wanted+=' network'; fi
    ;;
*) wanted+=" ${needs[$command]:-}" ;;
esac
if [ "$command" != help ]; then
    words=" ${*//mock-*/} " # the mock server in a real one's stead needs none of it
    for word in "${!needs_of_word[@]}"; do
        case "$words" in *"$word"*) wanted+=" ${needs_of_word[$word]}" ;; esac
    done
fi
# shellcheck disable=SC2086 # groups are words
set_up $wanted
for variant in ${builds[$command]:-release}; do # also for help and list: behaviours are listed by the server itself
    build "$variant"
done
case " $wanted " in *' java '*) build release java ;; esac
if [ "$command" = setup ]; then
    say "set-up: everything is here"
else
    judge "$@"
fi
