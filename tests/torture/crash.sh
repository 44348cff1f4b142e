#!/usr/bin/env bash
# Kills the server as the kernel would, and starts it again. Needs SERVER_URL, SERVER_DATA, SERVER_CTL; SERVER_OPTIONS: more options, of MySQL's and MariaDB's.
set -u
# What the harness has open is not the server's.
for n in $(seq 3 63); do eval "exec $n>&-"; done
case $SERVER_URL in
mysql://*)
    "$SERVER_CTL" kill > /dev/null 2>&1 && "$SERVER_CTL" start ${SERVER_OPTIONS:-} > /dev/null 2>&1
    exit
    ;;
esac
pid=$(head -n 1 "$SERVER_DATA/postmaster.pid") || exit 1
kill -KILL "$pid"
# Its children find out by themselves; until the last has, no other server can have their shared memory.
for _ in $(seq 100); do
    "$SERVER_CTL" -D "$SERVER_DATA" -l "${SERVER_DATA%/*}/log" -w -t 60 start > /dev/null 2>&1 && exit 0
    sleep 0.1
done
exit 1
