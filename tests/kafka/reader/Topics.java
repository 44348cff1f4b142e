import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/** Makes topics: Topics HOST:PORT NAME[:PARTITIONS[:KEY=VALUE]...]... One Java for all of them, as each takes seconds to begin. */
final class Topics {
    private Topics() {
    }

    public static void main(String[] args) throws InterruptedException {
        List<NewTopic> topics = new ArrayList<>();
        for (int i = 1; i < args.length; i++) {
            String[] parts = args[i].split(":");
            Map<String, String> settings = new HashMap<>();
            for (int j = 2; j < parts.length; j++) {
                int equals = parts[j].indexOf('=');
                settings.put(parts[j].substring(0, equals), parts[j].substring(equals + 1));
            }
            topics.add(new NewTopic(parts[0], Optional.of(parts.length > 1 ? Integer.parseInt(parts[1]) : 1), Optional.empty()).configs(settings));
        }
        int status = 0;
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
            admin.createTopics(topics).all().get();
        } catch (ExecutionException e) {
            System.err.println("the topics could not be made: " + e.getCause());
            status = 1;
        }
        System.exit(status);
    }
}
