#!/bin/bash
# Records the files that test_mysql_log.c reads, from throwaway servers: record.sh TEST_PROGRAM [mysql-9 mariadb-10 mariadb-11]
# Each SERVER.N is a binary log file, SERVER.txt what the program makes of them. Read the difference before committing it: it is what the test takes for right.
set -e
teller=$(realpath "$1")
shift
cd "$(dirname "$0")"
. ../../../lib/packages.sh
. ../../../lib/servers.sh
servers_begin
trap servers_end EXIT
for server in ${*:-mysql-9 mariadb-10 mariadb-11}; do
    server_start "$server"
    printf '7\tseven\n8\teight\n' > "$server_data/load.txt"
    chmod 644 "$server_data/load.txt"
    case $server in
    mysql-*) reset="RESET BINARY LOGS AND GTIDS" ;;
    *) reset="RESET MASTER" ;;
    esac
    "$server_bin/mysql" -e "$reset"
    "$server_bin/mysql" < "${server%-*}.sql" > /dev/null
    "$server_bin/mysql" -e "FLUSH BINARY LOGS"
    rm -f "$server".[0-9]* "$server.txt"
    number=0
    for file in "$server_data"/binlog.[0-9]*[0-9]; do
        number=$((number + 1))
        cp "$file" "$server.$number"
        chmod 644 "$server.$number"
    done
    rm "$server.$number" # begun by the flush
    "$teller" --tell "$server" > "$server.txt"
done
