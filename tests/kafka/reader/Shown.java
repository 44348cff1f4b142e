import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.debezium.data.VariableScaleDecimal;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;

/** What Kafka Connect has in memory, as JSON: each value with its type and what its schema says of it. */
final class Shown {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private Shown() {
    }

    static JsonNode of(SchemaAndValue read) {
        return of(read.schema(), read.value());
    }

    private static JsonNode of(Schema schema, Object value) {
        if (schema == null) {
            ObjectNode bare = NODES.objectNode();
            bare.set("value", bare(value));
            return bare;
        }
        ObjectNode shown = NODES.objectNode();
        shown.put("type", schema.type().getName());
        if (schema.name() != null) {
            shown.put("name", schema.name());
        }
        if (schema.version() != null) {
            shown.put("version", schema.version());
        }
        if (schema.isOptional()) {
            shown.put("optional", true);
        }
        if (schema.parameters() != null && !schema.parameters().isEmpty()) {
            ObjectNode parameters = shown.putObject("parameters");
            new TreeMap<>(schema.parameters()).forEach(parameters::put);
        }
        if (schema.defaultValue() != null) {
            shown.set("default", scalar(schema.defaultValue()));
        }
        if (value == null) {
            shown.putNull("value");
            return shown;
        }
        switch (schema.type()) {
            case STRUCT -> {
                Struct struct = (Struct) value;
                struct.validate();
                ObjectNode fields = shown.putObject("fields");
                for (Field field : schema.fields()) {
                    fields.set(field.name(), of(field.schema(), struct.get(field)));
                }
                if (VariableScaleDecimal.LOGICAL_NAME.equals(schema.name())) {
                    VariableScaleDecimal.toLogical(struct).getDecimalValue().ifPresent(number -> shown.put("value", number.toPlainString()));
                }
            }
            case ARRAY -> {
                ArrayNode items = shown.putArray("items");
                for (Object item : (List<?>) value) {
                    items.add(of(schema.valueSchema(), item));
                }
            }
            case MAP -> {
                ArrayNode entries = shown.putArray("entries");
                ((Map<?, ?>) value).forEach((key, item) -> entries.addArray().add(of(schema.keySchema(), key)).add(of(schema.valueSchema(), item)));
            }
            default -> shown.set("value", scalar(value));
        }
        return shown;
    }

    private static JsonNode scalar(Object value) {
        if (value instanceof Boolean truth) {
            return NODES.booleanNode(truth);
        }
        if (value instanceof BigDecimal number) {
            return NODES.textNode(number.toPlainString());
        }
        if (value instanceof Float || value instanceof Double) {
            double number = ((Number) value).doubleValue();
            return !Double.isFinite(number) ? NODES.textNode(value.toString()) : value instanceof Float f ? NODES.numberNode(f) : NODES.numberNode(number);
        }
        if (value instanceof Number number) {
            return NODES.numberNode(number.longValue());
        }
        if (value instanceof byte[] bytes) {
            return NODES.textNode(Base64.getEncoder().encodeToString(bytes));
        }
        if (value instanceof ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            return scalar(bytes);
        }
        if (value instanceof Date date) {
            return NODES.textNode(date.toInstant().toString());
        }
        if (value instanceof String text) {
            return NODES.textNode(text);
        }
        throw new DataException("a value is a " + value.getClass());
    }

    /** Without a schema objects come in no order. */
    private static JsonNode bare(Object value) {
        if (value == null) {
            return NODES.nullNode();
        }
        if (value instanceof Map<?, ?> map) {
            ObjectNode members = NODES.objectNode();
            TreeMap<String, Object> sorted = new TreeMap<>();
            map.forEach((key, member) -> sorted.put((String) key, member));
            sorted.forEach((key, member) -> members.set(key, bare(member)));
            return members;
        }
        if (value instanceof List<?> list) {
            ArrayNode items = NODES.arrayNode();
            list.forEach(item -> items.add(bare(item)));
            return items;
        }
        return scalar(value);
    }
}
