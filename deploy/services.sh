# Where a Sluice on this machine keeps its things, and how its processes are started and stopped. Sourced by deploy/up,
# deploy/down, deploy/backup and deploy/restore; sets variables, runs nothing.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the variables are for who sources this

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# As root the services run as the system user sluice, which may not be able to enter the checkout: so programs and
# console are copied into the state directory, and a build never replaces a program that runs.
if [ -n "${SLUICE_STATE_DIR-}" ]; then
    state=$(realpath -m -- "$SLUICE_STATE_DIR")
elif [ "$(id -u)" = 0 ]; then
    state=/var/lib/sluice
else
    state=$top/var
fi
cluster=$state/postgres
services=(sluice-api sluice-provisioner sluice-billing)

step() { printf '%4ds  %s\n' "$SECONDS" "$*"; }
die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# Runs a program as the services' user, in /: that user may not be able to enter the caller's directory.
as_service() {
    cd / || return 1
    if [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid=sluice --regid=sluice --init-groups -- env HOME="$state" "$@"
    fi
    exec "$@"
}

give_to_service() { [ "$(id -u)" != 0 ] || chown -R sluice:sluice -- "$@"; }

# Prints the process id of a service that runs. A pid file outlives its process, and the number may be another's by now:
# so the program is compared too.
service_pid() {
    local pid program
    pid=$(cat "$state/run/$1.pid" 2>/dev/null) || return 1
    program=$(readlink "/proc/$pid/exe" 2>/dev/null) || return 1
    [ "${program% (deleted)}" = "$state/bin/$1" ] || return 1
    echo "$pid"
}

# service_start NAME [VARIABLE=VALUE...]
# Returns once the process has become the program (it is setsid, setpriv and env before), or is gone: service_ready tells.
service_start() {
    local name=$1 waited=0
    shift
    service_pid "$name" >/dev/null && return
    (as_service setsid env "$@" "$state/bin/$name" </dev/null >>"$state/log/$name.log" 2>&1 &
        echo $! >"$state/run/$name.pid")
    until service_pid "$name" >/dev/null || [ ! -d "/proc/$(cat "$state/run/$name.pid")" ] || [ "$waited" -ge 500 ]; do
        waited=$((waited + 1))
        sleep 0.02
    done
}

# Asks a service to stop and waits until it has: at most 30 s, then it is killed, which loses nothing but its leases' end.
service_stop() {
    local pid waited=0
    pid=$(service_pid "$1") || return 0
    kill -TERM "$pid"
    while service_pid "$1" >/dev/null; do
        [ "$waited" -lt 300 ] || kill -KILL "$pid"
        waited=$((waited + 1))
        sleep 0.1
    done
    rm -f "$state/run/$1.pid"
}

# Waits until a URL answers 2xx while its service lives: service_ready NAME URL
service_ready() {
    local deadline=$((SECONDS + 60))
    until curl -fsS -o /dev/null -m 5 "$2" 2>/dev/null; do
        if ! service_pid "$1" >/dev/null || [ "$SECONDS" -gt "$deadline" ]; then
            tail -n 20 "$state/log/$1.log" >&2
            die "$1 is not ready; the end of its log $state/log/$1.log stands above"
        fi
        sleep 0.1
    done
}

# Whether the private PostgreSQL is meant, not a database of one's own.
has_private_database() { [ -z "${SLUICE_DATABASE_URL-}" ]; }
