# Throwaway servers of MySQL and MariaDB; servers.sh sources this file and hands the names mysql-N and mariadb-N on to it.
#
#   server_start mysql-9 [LINE...]      MySQL 9, from a Debian sid tree; LINEs are added to the server's options
#   server_start mariadb-10 [LINE...]   MariaDB 10.11 of Debian 12
#   server_start mariadb-11 [LINE...]   MariaDB 11.8, from a Debian sid tree
#
#   replica_start VERSION PRIMARY DATABASES [LINE...]   a server that replicates from another one
#
# root logs in without a password, by TCP from 127.0.0.1 and by the socket server_socket. server_bin has mysql, mysqldump, mysqladmin and
# mysqlbinlog of the server's own version, which go to this server unless told otherwise. server_ctl is a program: start, stop, restart, kill.
# server_tls has ca.pem, which has signed the certificate for 127.0.0.1, and other.pem, which has not.

# Who runs these servers, as UID:GID; the number is the same in a tree, which knows no such name.
servers_mysql_owner()
{
    [ "$(id -u)" = 0 ] || { echo "$(id -u):$(id -g)"; return; }
    id mysql > /dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin mysql
    echo "$(id -u mysql):$(id -g mysql)"
}

# Sets servers_tree, bin, sbin; returns 2 when the server cannot be had.
servers_mysql_find()
{
    servers_tree=
    case $1 in
    mysql-9) servers_sid mysql-9 mysql-server-core mysql-client-core ;;
    mariadb-11) servers_sid mariadb-11 mariadb-server-core mariadb-client ;;
    mariadb-10) [ -x /usr/sbin/mariadbd ] || packages_install $packages_mysql_servers || { server_reason="MariaDB could not be installed"; return 2; } ;;
    *) server_reason="no server is known by the name $1"; return 2 ;;
    esac
}

# Runs a program of the server's, where and as whom the server runs.
servers_mysql_program()
{
    if [ -n "$servers_tree" ]; then
        servers_in_tree "$servers_tree" "$servers_owner" "$@"
    elif [ "$(id -u)" = 0 ]; then
        setpriv --reuid="${servers_owner%:*}" --regid="${servers_owner#*:}" --clear-groups "$@"
    else
        "$@"
    fi
}

# Client programs into $2 that go to this server: mysql, mysqldump, ... whichever family it is of.
servers_mysql_clients()
{
    mkdir -p "$2"
    for program in mysql:mariadb mysqldump:mariadb-dump mysqladmin:mariadb-admin mysqlbinlog:mariadb-binlog mysqlslap:mariadb-slap; do
        name=${program%:*}
        case $1 in mysql-*) real=$name ;; *) real=${program#*:} ;; esac
        real=/usr/bin/$real
        [ -e "$servers_tree$real" ] || continue
        prefix=
        if [ -n "$servers_tree" ]; then
            loader=$(ls "$servers_tree"/lib64/ld-linux*.so* "$servers_tree"/lib/ld-linux*.so* 2>/dev/null | head -n 1)
            libraries=$(dirname "$(ls "$servers_tree"/usr/lib/*/libstdc++.so.6)")
            prefix="\"$loader\" --library-path \"$libraries\" "
        fi
        options='--no-defaults'
        case $name in mysql | mysqldump) options="$options --default-character-set=utf8mb4" ;; esac
        case $1:$name in
        mysql-*:mysqldump) options="$options --set-gtid-purged=OFF" ;;
        mariadb-*:mysqlbinlog) ;;
        mariadb-*) options="$options --skip-ssl-verify-server-cert" ;; # root has no password to prove the server with
        esac
        printf '#!/bin/sh\nexec %s"%s" %s -h127.0.0.1 -P%s -uroot "$@"\n' "$prefix" "$servers_tree$real" "$options" "$port" > "$2/$name"
        chmod 755 "$2/$name"
    done
}

# For tests that stop, crash or restart the server. A stop waits until the process is gone, a start until it answers.
servers_mysql_write_ctl()
{
    cat > "$1" << CTL
#!/bin/sh
# start [OPTION...] | stop | restart [OPTION...] | kill (as a crash); OPTIONs are the server's
cd /
pid_file='$dir/server.pid'
run()
{
    if [ -n '$servers_tree' ]; then
        exec unshare --mount --propagation private sh -c '$servers_in_tree_script' sh '$servers_tree' '$servers_owner' '$servers_dir' "\$@"
    elif [ "\$(id -u)" = 0 ]; then
        exec setpriv --reuid='${servers_owner%:*}' --regid='${servers_owner#*:}' --clear-groups "\$@"
    else
        exec "\$@"
    fi
}
gone()
{
    pid=\$(cat "\$pid_file" 2>/dev/null) || return 0
    [ -z "\$pid" ] || kill "-\$1" "\$pid" 2>/dev/null
    i=0
    while [ -n "\$pid" ] && kill -0 "\$pid" 2>/dev/null; do
        i=\$((i + 1))
        [ \$i -lt 1200 ] || exit 1
        sleep 0.05
    done
    rm -f "\$pid_file"
}
start()
{
    (run '$server_daemon' --defaults-file='$dir/my.cnf' "\$@") >> '$dir/log' 2>&1 < /dev/null &
    child=\$!
    i=0
    until '$dir/bin/mysqladmin' --connect-timeout=5 ping > /dev/null 2>&1 && [ -s "\$pid_file" ]; do
        kill -0 \$child 2>/dev/null || exit 1
        i=\$((i + 1))
        [ \$i -lt 600 ] || exit 1
        sleep 0.1
    done
}
verb=\$1
[ \$# = 0 ] || shift
case \$verb in
start) start "\$@" ;;
stop) gone TERM ;;
kill) gone KILL ;;
restart) gone TERM; start "\$@" ;;
*) sed -n 2p "\$0" >&2; exit 2 ;;
esac
CTL
    chmod 755 "$1"
}

servers_mysql_start()
{
    version=$1
    shift
    server_reason=
    servers_mysql_find "$version" || return 2
    servers_owner=$(servers_mysql_owner)
    dir=$servers_dir/$version-$(ls "$servers_dir" | wc -l)
    port=$(servers_free_port)
    mkdir -p "$dir/tmp"
    chown "$servers_owner" "$dir" "$dir/tmp" 2>/dev/null
    server_reason="certificates could not be made"
    servers_tls "$dir/tls" || { tail -n 5 "$dir/tls/log" >&2; return 1; }
    # Nothing is flushed because a throwaway server's disk need not survive the machine; everything else is as an operator would have it.
    {
        echo "[mysqld]"
        echo "datadir = $dir/data"
        echo "tmpdir = $dir/tmp"
        echo "socket = $dir/socket"
        echo "pid-file = $dir/server.pid"
        echo "port = $port"
        echo "bind-address = 127.0.0.1"
        echo "skip-name-resolve"
        echo "character-set-server = utf8mb4"
        echo "server-id = $port"
        echo "secure-file-priv ="
        echo "ssl-ca = $dir/tls/ca.pem"
        echo "ssl-cert = $dir/tls/server.pem"
        echo "ssl-key = $dir/tls/server.key"
        echo "log-bin = binlog"
        echo "binlog-format = ROW"
        echo "max-allowed-packet = 64M"
        echo "max-connections = 200"
        echo "innodb-buffer-pool-size = 256M"
        echo "innodb-flush-log-at-trx-commit = 2"
        echo "sync-binlog = 0"
        echo "innodb-print-all-deadlocks = ON"
        echo "max-binlog-size = 128M"
        case $version in
        mysql-*)
            echo "innodb-redo-log-capacity = 256M"
            echo "gtid-mode = ON"
            echo "enforce-gtid-consistency = ON"
            echo "performance-schema = ON"
            echo "mysqlx = OFF"
            ;;
        *) echo "innodb-log-file-size = 128M" ;;
        esac
        for line in "$@"; do echo "$line"; done
    } > "$dir/my.cnf"
    # A name-less 127.0.0.1 is no localhost with skip-name-resolve.
    printf '%s\n' "SET sql_log_bin = 0;" "CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' IDENTIFIED BY '';" \
        "GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;" > "$dir/init.sql"
    chmod 644 "$dir/my.cnf" "$dir/init.sql"
    server_reason="the data directory could not be made"
    case $version in
    mysql-*)
        server_daemon=/usr/sbin/mysqld
        servers_mysql_program "$server_daemon" --defaults-file="$dir/my.cnf" --initialize-insecure
        ;;
    *)
        server_daemon=/usr/sbin/mariadbd
        servers_mysql_program /usr/bin/mariadb-install-db --defaults-file="$dir/my.cnf" --auth-root-authentication-method=normal \
            --skip-test-db --skip-name-resolve --force
        ;;
    esac > "$dir/install" 2>&1 || { tail -n 20 "$dir/install" "$dir/log" >&2; return 1; }
    servers_mysql_clients "$version" "$dir/bin"
    server_ctl=$dir/ctl
    servers_mysql_write_ctl "$server_ctl"
    servers_started="$servers_started $version:$servers_tree:$dir"
    server_reason="the server did not start"
    "$server_ctl" start --init-file="$dir/init.sql" || { tail -n 20 "$dir/log" >&2; return 1; }
    server_reason=
    server_dir=$dir
    server_data=$dir/data
    server_port=$port
    server_socket=$dir/socket
    server_url="mysql://root@127.0.0.1:$port/"
    server_bin=$dir/bin
    server_tls=$dir/tls
    case $version in mysql-*) server_name=MySQL ;; *) server_name=MariaDB ;; esac
    server_name="$server_name $("$server_bin/mysql" -N -e 'SELECT VERSION()' | cut -d - -f 1)"
}

servers_mysql_stop()
{
    "$1/ctl" kill > /dev/null 2>&1
}

# How one that is left running is reached and stopped.
servers_mysql_tell()
{
    port=$(sed -n 's/^port = //p' "$2/my.cnf")
    echo "  $1: mysql://root@127.0.0.1:$port/, data in $2/data, clients in $2/bin, stopped by: $2/ctl stop"
}

# --- replicas

# replica_start VERSION PRIMARY DATABASES [LINE...]: a server like server_start's (whose variables tell of it) that replicates from the server whose client
# programs are in PRIMARY, by GTID. It begins with a dump of these databases; accounts are not in it. Returns as server_start.
replica_start()
{
    replica_primary=$2
    replica_databases=$3
    case $1 in # MySQL's default
    mariadb-*) server_start "$1" 'log-slave-updates = ON' "${@:4}" ;;
    *) server_start "$1" "${@:4}" ;;
    esac || return
    server_reason="the replica could not be set up"
    replica_port=$("$replica_primary/mysql" -N -B -e 'SELECT @@port') || return 1
    case $1 in
    mysql-*) replica_load_mysql ;;
    *) replica_load_mariadb ;;
    esac >> "$server_dir/replica" 2>&1 || { tail -n 5 "$server_dir/replica" >&2; return 1; }
    server_reason=
}
replica_load_mysql()
{
    "$server_bin/mysql" -e 'RESET BINARY LOGS AND GTIDS' &&
        "$replica_primary/mysqldump" --databases $replica_databases --single-transaction --set-gtid-purged=ON > "$server_dir/dump.sql" &&
        "$server_bin/mysql" < "$server_dir/dump.sql" &&
        "$server_bin/mysql" -e "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = $replica_port, SOURCE_USER = 'root', SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 600,
            GET_SOURCE_PUBLIC_KEY = 1; START REPLICA"
}
# The dump sets gtid_slave_pos.
replica_load_mariadb()
{
    "$replica_primary/mysqldump" --databases $replica_databases --single-transaction --master-data=1 --gtid > "$server_dir/dump.sql" &&
        "$server_bin/mysql" < "$server_dir/dump.sql" &&
        "$server_bin/mysql" -e "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = $replica_port, MASTER_USER = 'root', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1; START SLAVE"
}
# Waits until the server with the client programs in $1 has applied what is in the log of the one in $2, or has given up.
replica_catches_up()
{
    case $("$2/mysql" -N -B -e 'SELECT VERSION()') in
    *MariaDB*) place=$("$2/mysql" -N -B -e 'SELECT @@gtid_binlog_pos') wait=MASTER_GTID_WAIT ;;
    *) place=$("$2/mysql" -N -B -e 'SELECT @@GLOBAL.gtid_executed') wait=WAIT_FOR_EXECUTED_GTID_SET ;;
    esac
    [ "$("$1/mysql" -N -B -e "SELECT $wait('$place', ${3:-60})")" = 0 ]
}
# The error that replication has stopped with, if any.
replica_error()
{
    "$1/mysql" -E -e 'SHOW REPLICA STATUS' | sed -n 's/^ *Last_\(SQL\|IO\)_Error: \(..*\)/\2/p'
}
