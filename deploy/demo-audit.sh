# What of the demo is Kafka's: a broker, and who looks at the topic. Sourced by demo.

audit_options=() audit_watcher=

demo_audit_start()
{
    kafka_start || return 1
    audit_topic=seachange.$demo_table
    kafka_topics "$audit_topic:6" || { server_reason="the topic could not be made"; return 1; }
    audit_options=(--audit-kafka "$kafka_brokers" --audit-columns '*=plain')
    say "$kafka_name, and a topic $audit_topic with 6 partitions"
}

# Who waits for the topic's messages, and tells once a second how many came, and the newest one's op and key.
demo_audit_watch()
{
    kcat -C -q -u -o beginning -b "$kafka_brokers" -t "$audit_topic" -f '%p\t%k\t%s\n' 2> /dev/null > >(awk -F '\t' '
        { count++; op = "tombstone" }
        match($3, /"op":"[a-z]"/) { op = substr($3, RSTART + 6, 1) }
        systime() != told { told = systime(); printf "    Kafka: %d messages; newest: %s %s in partition %s\n", count, op, $2, $1; fflush() }') &
    audit_watcher=$!
}

demo_audit_unwatch()
{
    [ -z "$audit_watcher" ] || kill "$audit_watcher" 2> /dev/null
    audit_watcher=
}

# Are there as many as the summary says, with numbers from 1 on and none missing?
demo_audit_show()
{
    told=$(sed -n 's/.*all changes are in Kafka, \([0-9]*\) messages.*/\1/p' "$work/summary")
    kcat -C -q -e -b "$kafka_brokers" -t "$audit_topic" -f '%h\t%s\n' | awk -F '\t' '
        match($1, /seachange.sequence=[0-9]+/) { sequence = substr($1, RSTART + 19, RLENGTH - 19); if (!(sequence in seen)) { seen[sequence]; count++ } if (sequence + 0 > last) last = sequence + 0 }
        { op = "tombstone" } match($2, /"op":"[a-z]"/) { op = substr($2, RSTART + 6, 1) } { ops[op]++ }
        END { printf "%d %d", count, last; for (op in ops) printf " %s=%d", op, ops[op]; print "" }' > "$work/topic"
    read -r count last ops < "$work/topic"
    facts "messages that seachange says are there" "$told" \
        "messages with a number of their own in the topic" "$count" \
        "highest number" "$last" \
        "by op" "$ops"
    [ -n "$told" ] && [ "$told" = "$count" ] && [ "$count" = "$last" ] || return 1
    old_table=$(sed -n 's/^  old table *//p' "$work/summary")
    say "seachange audit check --table $old_table"
    "$seachange" audit check "${audit_options[@]}" --audit-topic "$audit_topic" --source "$url" --table "$old_table" --audit-messages "$told"
}
