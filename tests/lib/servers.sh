# Throwaway servers on private ports and sockets, run as an unprivileged user, stopped by their own data directory. Sourced.
#
#   servers_begin                 a directory for them all, removed by servers_end
#   server_start 15 [LINE...]     starts PostgreSQL 15 with more lines for postgresql.conf; sets server_url, server_name, server_bin (its client
#                                 programs), server_ctl (its pg_ctl, run as who runs the server), server_port, server_dir, server_data. Returns 2 when the server cannot be had, and says why in server_reason
#   server_start mysql-9          likewise for mysql-9, mariadb-10 and mariadb-11: servers_mysql.sh
#   kafka_start                   a Kafka broker: kafka.sh
#   servers_end                   stops what was started here, and nothing else
#   servers_finish "$keep"        for a trap: servers_end, or says where the servers are if keep is not empty
#
# Versions that Debian 12 does not have come from a Debian sid tree each, made once by debootstrap below ${SEACHANGE_CACHE:-/var/cache/seachange}
# (sid-postgresql-18, sid-mysql-9, sid-mariadb-11), from the mirror
# that this machine's apt uses. A server of the tree runs in a mount namespace of its own: /proc, /dev/shm and its data are
# mounted there only, so no mount outlives it however it ends.

servers_dir=
servers_started=
servers_cache=${SEACHANGE_CACHE:-/var/cache/seachange}

. "$(dirname "${BASH_SOURCE[0]}")/servers_mysql.sh"
. "$(dirname "${BASH_SOURCE[0]}")/kafka.sh"

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

# A TCP port nobody listens on, not below $1 if that is given.
servers_free_port()
{
    port=${1:-$((20000 + BASHPID % 10000))}
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        port=$((port + 1))
    done
    echo "$port"
}

# Certificates into $1 for who is servers_owner: ca.pem has signed the server's, other.pem has not.
servers_tls()
{
    mkdir -p "$1"
    for name in ca other; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$name" -keyout "$1/$name.key" -out "$1/$name.pem" || return 1
    done 2> "$1/log"
    openssl req -x509 -CA "$1/ca.pem" -CAkey "$1/ca.key" -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=server \
        -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE -keyout "$1/server.key" -out "$1/server.pem" 2>> "$1/log" || return 1
    chown -R "$servers_owner" "$1" 2> /dev/null
}

# The mirror of the running release, as apt knows it.
servers_mirror()
{
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n "s/^$codename //p" | head -n 1
}

# With /proc, /dev/shm and the directory $3 (may be empty) in the tree $1, as user $2.
servers_in_tree_script='
        tree=$1 user=$2 dir=$3
        shift 3
        mount -t proc proc "$tree/proc" && mkdir -p "$tree/dev/shm" && mount -t tmpfs -o mode=1777 tmpfs "$tree/dev/shm" || exit 1
        if [ -n "$dir" ]; then
            mkdir -p "$tree$dir" && mount --bind "$dir" "$tree$dir" || exit 1
        fi
        exec chroot --userspec="$user" "$tree" "$@"'

# Runs a program in the sid tree $1, as user $2, with the servers' directory there.
servers_in_tree()
{
    tree=$1 user=$2
    shift 2
    unshare --mount --propagation private sh -c "$servers_in_tree_script" sh "$tree" "$user" "$servers_dir" "$@"
}

# For tests that restart the server: $1 is the file, $2 the server's pg_ctl.
servers_write_ctl()
{
    {
        echo '#!/bin/sh'
        echo 'cd /'
        if [ -n "$servers_tree" ]; then
            echo "exec unshare --mount --propagation private sh -c '$servers_in_tree_script' sh '$servers_tree' postgres '$servers_dir' '$2' \"\$@\""
        elif [ "$(id -u)" = 0 ]; then
            echo "exec runuser -u postgres -- '$2' \"\$@\""
        else
            echo "exec '$2' \"\$@\""
        fi
    } > "$1"
    chmod 755 "$1"
}

# Is the tree $servers_tree there, with the packages $@?
servers_sid_has()
{
    [ -e "$servers_tree/.complete" ] &&
        [ "$(dpkg-query --admindir="$servers_tree/var/lib/dpkg" -W -f='${db:Status-Status}\n' "$@" 2> /dev/null | grep -cx installed)" = $# ]
}

# Makes the tree $1 (postgresql-18) with the packages that follow if it is not there, or lacks one of them; sets servers_tree, or server_reason.
servers_sid()
{
    what=$1
    shift
    servers_tree=$servers_cache/sid-$what
    servers_sid_has "$@" && return 0
    if [ "$(id -u)" != 0 ]; then
        server_reason="only root can make a Debian sid tree"
        return 2
    fi
    packages_install $packages_sid || { server_reason="debootstrap could not be installed"; return 2; }
    mirror=$(servers_mirror)
    [ -n "$mirror" ] || { server_reason="apt knows no mirror to make a Debian sid tree from"; return 2; }
    mkdir -p "$servers_cache"
    (
        unset SSL_CERT_FILE # a mirror may be reached by TLS
        flock 9
        servers_sid_has "$@" && exit 0
        echo "making a Debian sid tree with $what (some minutes, once)" >&2
        rm -rf --one-file-system "$servers_tree"
        debootstrap --variant=minbase sid "$servers_tree" "$mirror" > "$servers_tree.log" 2>&1 &&
            mkdir -p "$servers_tree/etc/postgresql-common" &&
            echo 'create_main_cluster = false' > "$servers_tree/etc/postgresql-common/createcluster.conf" &&
            printf '#!/bin/sh\nexit 101\n' > "$servers_tree/usr/sbin/policy-rc.d" && chmod 755 "$servers_tree/usr/sbin/policy-rc.d" &&
            servers_dir= servers_in_tree "$servers_tree" root env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -q --no-install-recommends "$@" >> "$servers_tree.log" 2>&1 &&
            touch "$servers_tree/.complete"
    ) 9> "$servers_cache/lock-$what" || {
        server_reason="a Debian sid tree with $what could not be made: $(tail -n 1 "$servers_tree.log")"
        return 2
    }
}

# Client programs of the tree, run on this system with the tree's own libraries, so that they see this system's files.
servers_tree_clients()
{
    mkdir -p "$2"
    loader=$(ls "$servers_tree"/lib64/ld-linux*.so* "$servers_tree"/lib/ld-linux*.so* 2>/dev/null | head -n 1)
    libraries=$(dirname "$(ls "$servers_tree"/usr/lib/*/libpq.so.5)")
    for program in psql pg_dump pgbench createdb dropdb pg_isready; do
        printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libraries" \
            "$servers_tree/usr/lib/postgresql/$1/bin/$program" > "$2/$program"
        chmod 755 "$2/$program"
    done
}

# Runs one of the server's programs (initdb, pg_ctl) where and as whom the server runs.
servers_program()
{
    if [ -n "$servers_tree" ]; then
        servers_in_tree "$servers_tree" postgres "$@"
    else
        servers_user "$@"
    fi
}

# Options beyond the version are written into the server's configuration.
server_start()
{
    version=$1
    server_socket=
    case $version in
    mysql-* | mariadb-*)
        servers_mysql_start "$@"
        return
        ;;
    esac
    shift
    server_reason=
    servers_tree=
    bin=/usr/lib/postgresql/$version/bin
    if [ ! -x "$bin/postgres" ]; then
        servers_sid "postgresql-$version" "postgresql-$version" || return 2
    fi
    dir=$servers_dir/pg$version-$(ls "$servers_dir" | wc -l)
    port=$(servers_free_port)
    mkdir -p "$dir"
    if [ -n "$servers_tree" ]; then
        chown "$(sed -n 's/^postgres:[^:]*:\([0-9]*\):\([0-9]*\):.*/\1:\2/p' "$servers_tree/etc/passwd")" "$dir"
    elif [ "$(id -u)" = 0 ]; then
        chown postgres "$dir"
    fi
    server_reason="initdb failed"
    servers_program "$bin/initdb" -D "$dir/data" -A trust -U postgres --locale=C.UTF-8 -E UTF8 > "$dir.initdb" 2>&1 || { cat "$dir.initdb" >&2; return 1; }
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
    } >> "$dir/data/postgresql.conf"
    server_reason="the server did not start"
    servers_program "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start > /dev/null || { tail -n 20 "$dir/log" >&2; return 1; }
    servers_started="$servers_started $version:$servers_tree:$dir/data"
    server_reason=
    server_dir=$dir
    server_data=$dir/data
    server_port=$port
    server_url="postgresql://postgres@127.0.0.1:$port/postgres"
    server_bin=$bin
    if [ -n "$servers_tree" ]; then
        server_bin=$dir/bin
        servers_tree_clients "$version" "$server_bin"
    fi
    server_ctl=$dir/pg_ctl
    servers_write_ctl "$server_ctl" "$bin/pg_ctl"
    server_name="PostgreSQL $("$server_bin/psql" -X -At -d "$server_url" -c 'SHOW server_version' | cut -d ' ' -f 1)"
}

servers_end()
{
    for started in $servers_started; do
        version=${started%%:*} data=${started##*:}
        servers_tree=${started#*:}
        servers_tree=${servers_tree%:*}
        case $version in
        mysql-* | mariadb-*) servers_mysql_stop "$data" ;;
        kafka) kafka_stop "$data" ;;
        *) servers_program "/usr/lib/postgresql/$version/bin/pg_ctl" -D "$data" -m immediate stop > /dev/null 2>&1 ;;
        esac
        [ -z "$servers_tree" ] || rmdir "$servers_tree$servers_dir" 2>/dev/null
    done
    servers_started=
    [ -z "$servers_dir" ] || rm -rf --one-file-system "$servers_dir"
    servers_dir=
}

servers_finish()
{
    if [ -n "$1" ] && [ -n "$servers_started" ]; then
        echo "left running:"
        for started in $servers_started; do
            case $started in
            mysql-* | mariadb-*)
                servers_mysql_tell "${started%%:*}" "${started##*:}"
                continue
                ;;
            kafka:*)
                kafka_tell "${started##*:}"
                continue
                ;;
            esac
            port=$(sed -n 4p "${started##*:}/postmaster.pid")
            echo "  PostgreSQL ${started%%:*}: postgresql://postgres@127.0.0.1:$port/postgres, data in ${started##*:}, stopped by: kill -INT $(head -n 1 "${started##*:}/postmaster.pid")"
        done
    else
        servers_end
    fi
}
