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

# Runs a program as a system user, in /: that user may not be able to enter the caller's directory.
as_user() {
    local user=$1 capabilities=()
    shift
    cd / || return 1
    if [ "$(id -u)" = 0 ]; then
        # The door may listen below port 1024, whoever it is.
        [ "$user" != haproxy ] || capabilities=(--inh-caps=+net_bind_service --ambient-caps=+net_bind_service)
        exec setpriv --reuid="$user" --regid="$user" --init-groups "${capabilities[@]}" -- env HOME="$state" "$@"
    fi
    exec "$@"
}

as_service() { as_user sluice "$@"; }

give_to_service() { [ "$(id -u)" != 0 ] || chown -R sluice:sluice -- "$@"; }

# ---- The door: HAProxy, as its package's own user, which neither the database nor the services' files are open to ----

door=$state/door
# Debian's HAProxy is run where it is, so that its security updates count.
program_of() { [ "$1" = door ] && echo /usr/sbin/haproxy || echo "$state/bin/$1"; }
user_of() { [ "$1" = door ] && echo haproxy || echo sluice; }

# Prints the API's socket. Its directory is short, as a socket's path must be, and only the API and the door may enter: as
# root it belongs to the services' user and hands its group, the door's, on to what is made in it.
door_socket() {
    local made parent=/tmp
    [ "$(id -u)" != 0 ] || parent=/run
    made=$(cat "$door/run_directory" 2>/dev/null) || {
        made=$(mktemp -d "$parent/sluice-door-XXXXXX")
        echo "$made" >"$door/run_directory"
    }
    mkdir -p "$made" # gone after the machine's restart
    [ "$(id -u)" != 0 ] || chown sluice:haproxy "$made"
    [ "$(id -u)" = 0 ] || [ -O "$made" ] || die "$made belongs to somebody else"
    chmod 2750 "$made"
    echo "$made/api.socket"
}

# ---- Processes ----

# Prints the process id of a service that runs. A pid file outlives its process, and the number may be another's by now:
# so the program is compared too.
service_pid() {
    local pid program
    pid=$(cat "$state/run/$1.pid" 2>/dev/null) || return 1
    program=$(readlink "/proc/$pid/exe" 2>/dev/null) || return 1
    [ "${program% (deleted)}" = "$(program_of "$1")" ] || return 1
    echo "$pid"
}

# service_start NAME [VARIABLE=VALUE...] [-- ARGUMENT...]
# Returns once the process has become the program (it is setsid, setpriv and env before), or is gone: service_ready tells.
service_start() {
    local name=$1 waited=0 variables=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        variables+=("$1")
        shift
    done
    [ $# = 0 ] || shift
    service_pid "$name" >/dev/null && return
    (as_user "$(user_of "$name")" setsid env "${variables[@]}" "$(program_of "$name")" "$@" </dev/null >>"$state/log/$name.log" 2>&1 &
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

# Waits until a URL answers 2xx while its service lives: service_ready NAME URL [CURL-ARGUMENT...]
service_ready() {
    local deadline=$((SECONDS + 60))
    until curl -fsS -o /dev/null -m 5 "${@:2}" 2>/dev/null; do
        if ! service_pid "$1" >/dev/null || [ "$SECONDS" -gt "$deadline" ]; then
            tail -n 20 "$state/log/$1.log" >&2
            die "$1 is not ready; the end of its log $state/log/$1.log stands above"
        fi
        sleep 0.1
    done
}

# Whether the private PostgreSQL is meant, not a database of one's own.
has_private_database() { [ -z "${SLUICE_DATABASE_URL-}" ]; }
