#!/usr/bin/env bash
# The lines that TORTURE_RESULTS has gathered, as a table for docs/reliability.md: table.sh FILE...
set -u
cat "$@" | awk '
    function field(name,   text) { text = $0; if (!sub(".* " name "=", "", text)) return ""; sub(/ .*/, "", text); return text }
    /^(ok|FAILED) / && /faults=\[none\]/ { controls[field("version")]++; next }
    /^(ok|FAILED) / {
        v = field("version"); runs[v]++
        if ($1 == "FAILED") failed[v]++
        kills[v] += field("deaths"); crashes[v] += field("crashes"); starts[v] += field("starts")
        writes[v] += field("acknowledged"); doubt[v] += field("in_doubt")
        n = split($0, parts, "="); all[v] += gsub(/(kill|term|drop|crash|retry|sleep|sessions|lock|row|reset|half|blackhole|twice|down|slow|broker)( at |,|\])/, "&")
    }
    END {
        print "| server | migrations | faults | seachange killed | server killed | acknowledged transactions checked | in doubt | failed a check |"
        print "|---|---:|---:|---:|---:|---:|---:|---:|"
        for (v in runs) { name = v; sub("-", " ", name); printf "| %s | %d | %d | %d | %d | %d | %d | %d |\n", name, runs[v], all[v], kills[v], crashes[v], writes[v], doubt[v], failed[v] | "sort" }
    }'
