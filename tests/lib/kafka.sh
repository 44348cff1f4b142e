# A throwaway Apache Kafka: one node that is broker and controller (KRaft); servers.sh sources this file. tests/kafka/README.md says more.
#
# KAFKA_VERSION is another version than that of tests/kafka/pom.xml.
#
#   kafka_find                    fetches Kafka, Kafka Connect and Debezium (tests/kafka/pom.xml) once, into the cache that the servers' trees are in; sets kafka_lib.
#                                 Returns 2 when Maven Central does not deliver them, and says why in server_reason; 1 for any other failure
#   kafka_start [LINE...]         starts a broker with more lines for its server.properties, after servers_begin. Returns as kafka_find. Sets
#                                     kafka_brokers     127.0.0.1:PORT, without encryption and login
#                                     kafka_secure      127.0.0.1:PORT, TLS with SASL PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 as kafka_user with kafka_password
#                                     kafka_dir         server.properties, data, log; plain.conf and scram.conf for librdkafka's programs (kcat -F), scram.properties for Java's
#                                     kafka_tls         ca.pem, which has signed the certificate for 127.0.0.1, and other.pem, which has not
#                                     kafka_ctl         a program: start, stop, restart, kill (as a crash), freeze and thaw (it holds its connections and does not answer)
#                                     kafka_name        Apache Kafka VERSION
#   kafka_topics NAME[:PARTITIONS[:KEY=VALUE]...]...   makes topics there: the broker makes none on its own
#   kafka_tool CLASS [ARG...]     a command line tool: TopicCommand, ConfigCommand, AclCommand, ConsoleConsumer, ProducerPerformance, or any class by its whole name
#   kafka_read [OPTION...] TOPIC...   reads the topics of kafka_brokers as Kafka Connect does: tests/kafka/reader
#   kafka_end                     stops the brokers started here; servers_end does so too

kafka_tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/../kafka" && pwd)
kafka_lib=

# What runs Java's programs here. The first tier of the compiler is enough for what ends within seconds.
kafka_java()
{
    java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="$kafka_tests/log4j2.properties" "$@"
}

kafka_find()
{
    server_reason=
    kafka_version=${KAFKA_VERSION:-$(sed -n 's/.*<kafka.version>\(.*\)<\/kafka.version>.*/\1/p' "$kafka_tests/pom.xml")}
    kafka_cache=$servers_cache/kafka-$kafka_version-$(cksum < "$kafka_tests/pom.xml" | cut -d ' ' -f 1)
    kafka_lib=$kafka_cache/lib
    packages_install $packages_kafka || { server_reason="the packages for Kafka could not be installed"; return 1; }
    [ ! -e "$kafka_cache/.complete" ] || return 0
    mkdir -p "$kafka_cache" || { server_reason="$kafka_cache cannot be made"; return 1; }
    (
        flock 9
        [ ! -e "$kafka_cache/.complete" ] || exit 0
        echo "fetching Kafka $kafka_version and what reads it (some minutes, once)" >&2
        rm -rf "$kafka_lib"
        timeout 1200 mvn -B -U -f "$kafka_tests/pom.xml" -Dkafka.version="$kafka_version" org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies -DincludeScope=runtime -DexcludeArtifactIds=slf4j-reload4j,reload4j -DoutputDirectory="$kafka_lib" > "$kafka_cache/log" 2>&1 &&
            chmod -R a+rX "$kafka_cache" && touch "$kafka_cache/.complete"
    ) 9> "$kafka_cache.lock" && return
    server_reason="Kafka could not be fetched: $(grep -m 1 '^\[ERROR\]' "$kafka_cache/log" || tail -n 1 "$kafka_cache/log")"
    # That it is not there is a mistake in the pom.
    ! grep -q 'Could not transfer' "$kafka_cache/log" || return 2
    return 1
}

# Who runs the broker, as UID:GID.
kafka_owner()
{
    if [ "$(id -u)" = 0 ]; then
        echo "$(id -u nobody):$(id -g nobody)"
    else
        echo "$(id -u):$(id -g)"
    fi
}

# For tests that stop, crash or restart the broker. A stop waits until the process is gone, a start until the broker answers as the leader of what it has.
kafka_write_ctl()
{
    cat > "$1" << CTL
#!/bin/sh
# start [KEY=VALUE...] | stop | restart [KEY=VALUE...] | kill (as a crash) | freeze | thaw; KEY=VALUE are of server.properties
cd /
pid_file='$dir/broker.pid'
tell()
{
    pid=\$(cat "\$pid_file" 2> /dev/null) && [ -n "\$pid" ] && kill "-\$1" "\$pid" 2> /dev/null
}
gone()
{
    tell "\$1" || { rm -f "\$pid_file"; return 0; }
    tell CONT
    i=0
    while kill -0 "\$pid" 2> /dev/null; do
        i=\$((i + 1))
        [ \$i -lt 1200 ] || exit 1
        sleep 0.05
    done
    rm -f "\$pid_file"
}
run()
{
    options='-Xms64m -Xmx384m -XX:+UseSerialGC -Dseachange.log=INFO -Dlog4j2.configurationFile=$dir/log4j2.properties'
    if [ "\$(id -u)" = 0 ]; then
        exec setpriv --reuid='${servers_owner%:*}' --regid='${servers_owner#*:}' --clear-groups java \$options -cp '$kafka_lib/*' kafka.Kafka '$dir/server.properties' "\$@"
    else
        exec java \$options -cp '$kafka_lib/*' kafka.Kafka '$dir/server.properties' "\$@"
    fi
}
start()
{
    ! tell 0 || { echo "it runs already" >&2; exit 1; }
    for setting in "\$@"; do
        shift
        set -- "\$@" --override "\$setting"
    done
    (run "\$@") >> '$dir/log' 2>&1 < /dev/null &
    echo \$! > "\$pid_file"
    i=0
    until timeout 5 kcat -b 127.0.0.1:$kafka_port -L -m 2 2> /dev/null | grep -q '^  broker 1 at '; do
        tell 0 || { rm -f "\$pid_file"; exit 1; }
        i=\$((i + 1))
        [ \$i -lt 1200 ] || exit 1
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
freeze) tell STOP ;;
thaw) tell CONT ;;
*) sed -n 2p "\$0" >&2; exit 2 ;;
esac
CTL
    chmod 755 "$1"
}

# $1 is the directory; lines for the broker's settings follow.
kafka_write_properties()
{
    local login=org.apache.kafka.common.security dir=$1
    shift
    echo "process.roles=broker,controller"
    echo "node.id=1"
    echo "controller.quorum.voters=1@127.0.0.1:$controller_port"
    echo "listeners=PLAINTEXT://127.0.0.1:$kafka_port,SECURE://127.0.0.1:$secure_port,CONTROLLER://127.0.0.1:$controller_port"
    echo "advertised.listeners=PLAINTEXT://127.0.0.1:$kafka_port,SECURE://127.0.0.1:$secure_port"
    echo "controller.listener.names=CONTROLLER"
    echo "inter.broker.listener.name=PLAINTEXT"
    echo "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL"
    echo "listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
    echo "listener.name.secure.plain.sasl.jaas.config=$login.plain.PlainLoginModule required user_$kafka_user=\"$kafka_password\";"
    echo "listener.name.secure.scram-sha-256.sasl.jaas.config=$login.scram.ScramLoginModule required;"
    echo "listener.name.secure.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required;"
    echo "listener.name.secure.ssl.keystore.type=PEM"
    echo "listener.name.secure.ssl.keystore.location=$dir/tls/keystore.pem"
    echo "log.dirs=$dir/data"
    echo "auto.create.topics.enable=false"
    # What a single node needs, and what else would be made for many clients.
    echo "offsets.topic.replication.factor=1"
    echo "offsets.topic.num.partitions=1"
    echo "transaction.state.log.replication.factor=1"
    echo "transaction.state.log.min.isr=1"
    echo "transaction.state.log.num.partitions=1"
    echo "share.coordinator.state.topic.replication.factor=1"
    echo "share.coordinator.state.topic.min.isr=1"
    echo "group.initial.rebalance.delay.ms=0"
    # How long a node that was killed waits until it may come back.
    echo "broker.session.timeout.ms=4000"
    echo "broker.heartbeat.interval.ms=500"
    echo "log.cleaner.dedupe.buffer.size=16777216"
    for line in "$@"; do echo "$line"; done
}

# Settings of clients for the secure listener.
kafka_write_clients()
{
    local mechanism
    for mechanism in plain:PLAIN scram:SCRAM-SHA-256; do
        printf '%s\n' "bootstrap.servers=127.0.0.1:$secure_port" security.protocol=sasl_ssl "sasl.mechanism=${mechanism#*:}" \
            "sasl.username=$kafka_user" "sasl.password=$kafka_password" "ssl.ca.location=$1/tls/ca.pem" > "$1/${mechanism%:*}.conf"
    done
    printf '%s\n' "bootstrap.servers=127.0.0.1:$secure_port" security.protocol=SASL_SSL sasl.mechanism=SCRAM-SHA-256 ssl.truststore.type=PEM "ssl.truststore.location=$1/tls/ca.pem" \
        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"$kafka_user\" password=\"$kafka_password\";" > "$1/scram.properties"
}

kafka_start()
{
    kafka_find || return
    servers_owner=$(kafka_owner)
    local dir=$servers_dir/kafka-$(ls "$servers_dir" | wc -l) secure_port controller_port user
    kafka_port=$(servers_free_port)
    secure_port=$(servers_free_port $((kafka_port + 1)))
    controller_port=$(servers_free_port $((secure_port + 1)))
    kafka_user=auditor
    kafka_password=$(openssl rand -hex 12)
    mkdir -p "$dir"
    server_reason="certificates could not be made"
    servers_tls "$dir/tls" || { tail -n 5 "$dir/tls/log" >&2; return 1; }
    cat "$dir/tls/server.key" "$dir/tls/server.pem" > "$dir/tls/keystore.pem"
    kafka_write_properties "$dir" "$@" > "$dir/server.properties"
    kafka_write_clients "$dir"
    cp "$kafka_tests/log4j2.properties" "$dir/"
    server_reason="the storage could not be made"
    user="[name=$kafka_user,password=$kafka_password]"
    kafka_java -cp "$kafka_lib/*" kafka.tools.StorageTool format -t "$(openssl rand -base64 16 | tr '+/' 'ab' | cut -c -22)" -c "$dir/server.properties" \
        --add-scram "SCRAM-SHA-256=$user" --add-scram "SCRAM-SHA-512=$user" > "$dir/format" 2>&1 || { tail -n 20 "$dir/format" >&2; return 1; }
    chown -R "$servers_owner" "$dir" 2> /dev/null
    kafka_write_ctl "$dir/ctl"
    servers_started="$servers_started kafka::$dir"
    server_reason="the broker did not start"
    "$dir/ctl" start || { tail -n 20 "$dir/log" >&2; return 1; }
    server_reason=
    kafka_dir=$dir
    kafka_tls=$dir/tls
    kafka_ctl=$dir/ctl
    kafka_brokers=127.0.0.1:$kafka_port
    kafka_secure=127.0.0.1:$secure_port
    kafka_name="Apache Kafka $kafka_version"
}

kafka_tool()
{
    local class=$1
    shift
    case $kafka_version:$class in
    *:*.*) ;;
    3.*:AclCommand | *:ConfigCommand) class=kafka.admin.$class ;;
    *:DumpLogSegments) class=kafka.tools.$class ;;
    *:ConsoleConsumer) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
    *) class=org.apache.kafka.tools.$class ;;
    esac
    kafka_java -cp "$kafka_lib/*" "$class" "$@"
}

# The classes are in the build directory, made anew when their sources are newer.
kafka_reader()
{
    kafka_classes=$kafka_tests/../../build/kafka-reader
    mkdir -p "$kafka_classes"
    (
        flock 9
        [ ! -e "$kafka_classes/.complete" ] || [ -n "$(find "$kafka_tests/reader" -name '*.java' -newer "$kafka_classes/.complete")" ] || exit 0
        rm -f "$kafka_classes/.complete"
        touch "$kafka_classes/.begun"
        javac -Xlint:all,-path -Werror -proc:none -d "$kafka_classes" -cp "$kafka_lib/*" "$kafka_tests"/reader/*.java >&2 && mv "$kafka_classes/.begun" "$kafka_classes/.complete"
    ) 9> "$kafka_classes.lock"
}

kafka_topics()
{
    kafka_reader && kafka_java -cp "$kafka_classes:$kafka_lib/*" Topics "$kafka_brokers" "$@"
}

kafka_read()
{
    kafka_reader || return
    kafka_java -cp "$kafka_classes:$kafka_lib/*" Reader --brokers "$kafka_brokers" "$@"
}

kafka_end()
{
    local started others=
    for started in $servers_started; do
        case $started in
        kafka:*) kafka_stop "${started##*:}" ;;
        *) others="$others $started" ;;
        esac
    done
    servers_started=$others
}

kafka_stop()
{
    "$1/ctl" kill > /dev/null 2>&1
    rm -rf --one-file-system "$1"
}

# How one that is left running is reached and stopped.
kafka_tell()
{
    echo "  Kafka: $(sed -n 's/^bootstrap.servers=/secure /p' "$1/scram.conf"), $(sed -n 's/^advertised.listeners=\([^,]*\).*/\1/p' "$1/server.properties"), in $1, stopped by: $1/ctl stop"
}
