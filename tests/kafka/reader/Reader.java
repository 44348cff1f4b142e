import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.debezium.transforms.ExtractNewRecordState;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * Reads topics from their beginning to their present end as a sink of Kafka Connect does, and prints one line of JSON for each record. README.md tells what is in a line.
 */
final class Reader {
    private static final String USAGE = "Reader --brokers HOST:PORT[,...] [OPTION...] TOPIC...\n"
        + "  --no-schemas              keys and values are bare JSON (schemas.enable=false)\n"
        + "  --unwrap                  applies Debezium's ExtractNewRecordState\n"
        + "  --unwrap-with KEY=VALUE   the same with this setting of it\n"
        + "  --strict                  what Kafka Connect reads over is an error, too: a member that no schema names, JSON that it would not write so,\n"
        + "                            a value that ExtractNewRecordState does not take for a change\n"
        + "  --uncommitted             records of transactions that are open or were aborted, too\n"
        + "  --config FILE             settings of the consumer (security.protocol=...)\n"
        + "  --timeout SECONDS         for the whole (60)\n"
        + "Exit status: 0, 1 if a record could not be read (each is named on standard error, the others are printed), 2 if the topics could not be.";

    /** Beside a record's fault, all ends the reader. */
    private static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1;

        Unreadable(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private final ObjectMapper json = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private final JsonConverter keys = new JsonConverter();
    private final JsonConverter values = new JsonConverter();
    private final ExtractNewRecordState<SinkRecord> unwrap;
    private final boolean strict;
    private final long deadline;
    private final PrintStream out;
    private int unread;

    private Reader(boolean schemas, Map<String, String> unwrapSettings, boolean strict, long deadline, PrintStream out) {
        Map<String, String> settings = Map.of("schemas.enable", Boolean.toString(schemas), "schemas.cache.size", "1000");
        keys.configure(settings, true);
        values.configure(settings, false);
        unwrap = unwrapSettings == null ? null : new ExtractNewRecordState<>();
        if (unwrap != null) {
            unwrap.configure(unwrapSettings);
        }
        this.strict = strict;
        this.deadline = deadline;
        this.out = out;
    }

    public static void main(String[] args) throws IOException {
        Properties consumer = new Properties();
        consumer.put("isolation.level", "read_committed");
        consumer.put("key.deserializer", ByteArrayDeserializer.class.getName());
        consumer.put("value.deserializer", ByteArrayDeserializer.class.getName());
        consumer.put("auto.offset.reset", "none");
        consumer.put("enable.auto.commit", "false");
        consumer.put("allow.auto.create.topics", "false");
        boolean schemas = true;
        boolean strict = false;
        int timeout = 60;
        Map<String, String> unwrap = null;
        List<String> topics = new ArrayList<>();
        for (int i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "--no-schemas" -> schemas = false;
                case "--strict" -> strict = true;
                case "--uncommitted" -> consumer.put("isolation.level", "read_uncommitted");
                case "--unwrap" -> unwrap = unwrap == null ? new HashMap<>() : unwrap;
                case "--brokers", "--config", "--timeout", "--unwrap-with" -> {
                    String value = i + 1 < args.length ? args[i + 1] : usage(args[i] + " needs a value");
                    switch (args[i++]) {
                        case "--brokers" -> consumer.put("bootstrap.servers", value);
                        case "--timeout" -> timeout = Integer.parseInt(value);
                        case "--config" -> {
                            try (BufferedReader file = Files.newBufferedReader(Path.of(value))) {
                                consumer.load(file);
                            }
                        }
                        default -> {
                            unwrap = unwrap == null ? new HashMap<>() : unwrap;
                            String[] setting = value.split("=", 2);
                            unwrap.put(setting[0], setting.length == 2 ? setting[1] : usage("--unwrap-with needs KEY=VALUE"));
                        }
                    }
                }
                default -> topics.add(args[i].startsWith("-") ? usage("unknown option: " + args[i]) : args[i]);
            }
        }
        if (topics.isEmpty() || !consumer.containsKey("bootstrap.servers")) {
            usage("brokers and a topic are needed");
        }
        consumer.put("default.api.timeout.ms", Integer.toString(timeout * 1000));
        int status;
        try (PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
             KafkaConsumer<byte[], byte[]> client = new KafkaConsumer<>(consumer)) {
            Reader reader = new Reader(schemas, unwrap, strict, System.nanoTime() + timeout * 1_000_000_000L, out);
            for (String topic : topics) {
                reader.readTopic(client, topic);
            }
            out.flush();
            status = reader.unread == 0 ? 0 : 1;
        } catch (KafkaException | IOException e) {
            System.err.println("the topics could not be read: " + because(e));
            status = 2;
        }
        System.exit(status);
    }

    private static String usage(String mistake) {
        System.err.println(mistake + "\n" + USAGE);
        System.exit(2);
        return mistake;
    }

    private static String because(Throwable e) {
        StringBuilder text = new StringBuilder(e instanceof Unreadable ? e.getMessage() : e.toString());
        for (Throwable cause = e.getCause(); cause != null && cause != cause.getCause(); cause = cause.getCause()) {
            if (text.indexOf(cause.toString()) < 0) {
                text.append(": ").append(cause);
            }
        }
        return text.toString().replace('\n', ' ');
    }

    /** One partition after the other, so that the order of what is printed is always the same. */
    private void readTopic(KafkaConsumer<byte[], byte[]> client, String topic) throws IOException {
        List<TopicPartition> partitions = new ArrayList<>();
        for (PartitionInfo info : client.partitionsFor(topic)) {
            partitions.add(new TopicPartition(topic, info.partition()));
        }
        if (partitions.isEmpty()) {
            throw new IOException("there is no topic " + topic);
        }
        partitions.sort((a, b) -> Integer.compare(a.partition(), b.partition()));
        Map<TopicPartition, Long> ends = client.endOffsets(partitions);
        for (TopicPartition partition : partitions) {
            client.assign(List.of(partition));
            client.seekToBeginning(List.of(partition));
            long end = ends.get(partition);
            // The position also passes what is no record: marks of transactions, records of aborted ones.
            while (client.position(partition) < end) {
                if (System.nanoTime() > deadline) {
                    throw new IOException(partition + " was read to " + client.position(partition) + " of " + end + " in time");
                }
                for (ConsumerRecord<byte[], byte[]> record : client.poll(Duration.ofMillis(200)).records(partition)) {
                    if (record.offset() < end) {
                        readRecord(record);
                    }
                }
            }
        }
    }

    private void readRecord(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode line = JsonNodeFactory.instance.objectNode();
        line.put("topic", record.topic()).put("partition", record.partition()).put("offset", record.offset());
        line.put("timestamp", record.timestamp()).put("timestamp_type", record.timestampType().toString());
        ObjectNode headers = line.putObject("headers");
        String part = "headers";
        try {
            for (Header header : record.headers()) {
                if (headers.has(header.key())) {
                    throw new Unreadable("there are two headers " + header.key(), null);
                }
                headers.put(header.key(), header.value() == null ? null : text(header.value()));
            }
            part = "key";
            SchemaAndValue key = convert(keys, record.topic(), record.key());
            part = "value";
            SchemaAndValue value = convert(values, record.topic(), record.value());
            part = "key";
            describe(line, part, record.topic(), keys, key, record.key());
            part = "value";
            describe(line, part, record.topic(), values, value, record.value());
            if (unwrap != null) {
                part = "value for ExtractNewRecordState";
                unwrap(line, new SinkRecord(record.topic(), record.partition(), key.schema(), key.value(), value.schema(), value.value(), record.offset(), record.timestamp(),
                    record.timestampType()));
            }
            out.println(json.writeValueAsString(line));
        } catch (Unreadable | KafkaException | JsonProcessingException e) {
            unread++;
            System.err.println(record.topic() + "-" + record.partition() + "@" + record.offset() + ": " + part + ": " + because(e));
        }
    }

    private static String text(byte[] bytes) throws Unreadable {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new Unreadable("it is not UTF-8", e);
        }
    }

    private static SchemaAndValue convert(JsonConverter converter, String topic, byte[] bytes) {
        return converter.toConnectData(topic, bytes);
    }

    /** The member NAME of the line, and NAME_json: what Kafka Connect would have written for what it read, against what is there. */
    private void describe(ObjectNode line, String name, String topic, JsonConverter converter, SchemaAndValue read, byte[] bytes) throws Unreadable {
        if (bytes == null) {
            line.putNull(name);
            return;
        }
        line.set(name, Shown.of(read));
        byte[] written = converter.fromConnectData(topic, read.schema(), read.value());
        if (Arrays.equals(bytes, written)) {
            line.put(name + "_json", "same bytes");
            return;
        }
        String difference = difference(bytes, written);
        line.put(name + "_json", difference == null ? "same JSON" : "other JSON");
        if (strict && difference != null) {
            throw new Unreadable(difference, null);
        }
    }

    /** Where Kafka Connect reads something else than is there; null if nowhere. */
    private String difference(byte[] there, byte[] written) {
        try {
            return difference("", json.readTree(there), written == null ? JsonNodeFactory.instance.nullNode() : json.readTree(written));
        } catch (IOException e) {
            return "it is not one JSON text: " + because(e);
        }
    }

    private static String difference(String place, JsonNode there, JsonNode written) {
        if (there.equals(written)) {
            return null;
        }
        if (there.isArray() && written.isArray() && there.size() == written.size()) {
            for (int i = 0; i < there.size(); i++) {
                String found = difference(place + "/" + i, there.get(i), written.get(i));
                if (found != null) {
                    return found;
                }
            }
        }
        if (there.isObject() && written.isObject()) {
            TreeSet<String> names = new TreeSet<>();
            there.fieldNames().forEachRemaining(names::add);
            written.fieldNames().forEachRemaining(names::add);
            for (String name : names) {
                String found = difference(place + "/" + name, there.path(name), written.path(name));
                if (found != null) {
                    return found;
                }
            }
        }
        return place + " is " + shown(there) + ", and Kafka Connect would write for what it reads " + shown(written);
    }

    private static String shown(JsonNode node) {
        return node.isMissingNode() ? "not there" : node.toString();
    }

    private void unwrap(ObjectNode line, SinkRecord record) throws Unreadable {
        SinkRecord row = unwrap.apply(record);
        if (row == null) {
            line.putNull("row");
            return;
        }
        // What it does not take for a change it hands on as it is.
        if (strict && row == record && record.value() != null) {
            throw new Unreadable("it is not taken for a change", null);
        }
        ObjectNode shown = line.putObject("row");
        shown.set("key", row.key() == null ? null : Shown.of(new SchemaAndValue(row.keySchema(), row.key())));
        shown.set("value", row.value() == null ? null : Shown.of(new SchemaAndValue(row.valueSchema(), row.value())));
        ObjectNode headers = shown.putObject("headers");
        row.headers().forEach(header -> headers.put(header.key(), String.valueOf(header.value())));
    }
}
