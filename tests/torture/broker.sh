#!/usr/bin/env bash
# Does to Kafka what the harness says, and comes back when that has begun; it ends by itself. Needs BROKER_CTL of a broker of tests/lib/kafka.sh, or BROKER_COMMANDS, the
# input of tests/kafka/mock.c; and BROKER_LOCK. One thing at a time: what is said meanwhile is not done.
#
#   broker.sh down | slow | broker    not there for seconds; slow for seconds (the real one: it answers nothing); killed and started again (the pretended one: it refuses)
#   broker.sh well                    waits until it is well
set -u
for n in $(seq 3 63); do eval "exec $n>&-"; done
tell() { echo "$*" > "$BROKER_COMMANDS"; }
ctl() { "$BROKER_CTL" "$1" 9>&-; } # the broker must not have the lock
exec 9> "$BROKER_LOCK"
if [ "$1" = well ]; then
    flock -w 120 9
    exit
fi
flock -n 9 || exit 0
case ${BROKER_CTL:+real}:$1 in
real:down) ctl stop && { sleep 1; ctl start; } & ;;
real:slow) ctl freeze && { sleep 4; ctl thaw; } & ;;
real:broker) ctl kill && ctl start & ;;
:down) tell down && { sleep 4; tell up; } & ;;
:slow) tell slow 400 && { sleep 3; tell slow 0; } & ;;
:broker) tell refuse 10 19 & ;;
*) exit 2 ;;
esac > /dev/null 2>&1
sleep 0.1
