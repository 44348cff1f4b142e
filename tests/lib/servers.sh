# Throwaway servers on private ports and sockets, run as an unprivileged user, stopped by their own data directory. Sourced.
#
#   servers_begin            a directory for them all, removed by servers_end
#   server_start 15          sets server_url, server_name; starts PostgreSQL 15
#   servers_end              stops what was started here, and nothing else

servers_dir=
servers_started=

servers_user()
{
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

servers_begin()
{
    servers_dir=$(mktemp -d "${TMPDIR:-/tmp}/seachange-servers.XXXXXX")
    chmod 755 "$servers_dir"
    [ "$(id -u)" != 0 ] || chown postgres "$servers_dir"
}

# A TCP port nobody listens on.
servers_free_port()
{
    port=$((20000 + $$ % 20000))
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        port=$((port + 1))
    done
    echo "$port"
}

# Options beyond the version are written into postgresql.conf.
server_start()
{
    version=$1
    shift
    bin=/usr/lib/postgresql/$version/bin
    [ -x "$bin/postgres" ] || return 1
    dir=$servers_dir/pg$version-$(ls "$servers_dir" | wc -l)
    port=$(servers_free_port)
    servers_user mkdir -p "$dir"
    servers_user "$bin/initdb" -D "$dir/data" -A trust -U postgres --locale=C.UTF-8 -E UTF8 > "$dir.initdb" 2>&1 || { cat "$dir.initdb" >&2; return 1; }
    # fsync is off because a throwaway server's disk need not survive the machine; everything else is as an operator would have it.
    {
        echo "port = $port"
        echo "listen_addresses = '127.0.0.1'"
        echo "unix_socket_directories = '$dir'"
        echo "wal_level = logical"
        echo "max_replication_slots = 20"
        echo "max_wal_senders = 20"
        echo "max_prepared_transactions = 20"
        echo "max_connections = 200"
        echo "fsync = off"
        echo "max_wal_size = 4GB"
        echo "log_line_prefix = '%m [%p] %a '"
        for line in "$@"; do echo "$line"; done
    } | servers_user tee -a "$dir/data/postgresql.conf" > /dev/null
    servers_user "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start > /dev/null || { tail -n 20 "$dir/log" >&2; return 1; }
    servers_started="$servers_started $version:$dir/data"
    server_dir=$dir
    server_data=$dir/data
    server_bin=$bin
    server_port=$port
    server_url="postgresql://postgres@127.0.0.1:$port/postgres"
    server_name="PostgreSQL $("$bin/postgres" --version | sed 's/[^0-9]*\([0-9.]*\).*/\1/')"
}

servers_end()
{
    for started in $servers_started; do
        servers_user "/usr/lib/postgresql/${started%%:*}/bin/pg_ctl" -D "${started#*:}" -m immediate stop > /dev/null 2>&1
    done
    servers_started=
    [ -z "$servers_dir" ] || rm -rf "$servers_dir"
}
