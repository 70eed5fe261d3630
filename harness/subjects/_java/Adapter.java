import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Two HTTP clients with connection pools of their own, behind the subject protocol: {@code Adapter io} with blocking sockets,
 * {@code Adapter nio} with a selector. Both are as such clients commonly are; what they miss is the point of having them.
 */
public final class Adapter {
    private static final int TIMEOUT_MS = 60_000;

    private final PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    private final String mode;
    private Client client; // made when it is first asked: from then on there is nothing to configure
    private boolean staleCheck = true;
    private int timeoutMs = TIMEOUT_MS;

    private Adapter(String mode) {
        this.mode = mode;
    }

    public static void main(String[] args) throws IOException {
        if (args.length != 1 || !(args[0].equals("io") || args[0].equals("nio"))) {
            System.err.println("usage: Adapter io|nio");
            System.exit(2);
        }
        Adapter adapter = new Adapter(args[0]);
        adapter.hello();
        adapter.serve(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
        System.exit(0); // every connection goes with the process
    }

    private void hello() {
        String features = mode.equals("io") ? "[\"jdk\",\"stale_check\"]" : "[\"jdk\"]";
        say(JsonParser.parseString("{\"protocol\":\"subject/1\",\"level\":[\"request\"],\"features\":" + features
            + ",\"name\":\"java_" + mode + "\",\"version\":\"JDK " + Runtime.version().feature() + "\"}").getAsJsonObject());
    }

    private void serve(BufferedReader in) throws IOException {
        String line;
        while ((line = in.readLine()) != null) {
            JsonElement id = JsonNull.INSTANCE;
            try {
                JsonObject command = JsonParser.parseString(line).getAsJsonObject();
                if (command.has("id")) {
                    id = command.get("id");
                }
                if (command.get("op").getAsString().equals("quit")) {
                    return;
                }
                obey(id, command);
            } catch (JsonParseException | IllegalStateException | IllegalArgumentException | UnsupportedOperationException
                    | NullPointerException | ClassCastException wrong) {
                fail(id, "protocol: not to be understood: " + wrong);
            }
        }
    }

    private void obey(JsonElement id, JsonObject command) throws IOException {
        switch (command.get("op").getAsString()) {
            case "configure" -> configure(id, command);
            case "request" -> {
                Call call = Call.of(command, timeoutMs, answer -> answered(id, answer));
                if (client == null) {
                    client = mode.equals("io") ? new IoClient(staleCheck) : new NioClient();
                }
                client.request(call);
            }
            default -> fail(id, "protocol: unknown op");
        }
    }

    private void configure(JsonElement id, JsonObject command) {
        if (client != null) {
            fail(id, "protocol: configure comes before any other op");
            return;
        }
        staleCheck = !command.has("stale_check") || command.get("stale_check").getAsBoolean();
        timeoutMs = command.has("read_timeout_ms") ? command.get("read_timeout_ms").getAsInt() : TIMEOUT_MS;
        say(reply(id, true));
    }

    private void answered(JsonElement id, Call.Answer answer) {
        if (answer.error() != null) {
            fail(id, answer.error().toString()); // the JDK's class and words, unaltered
            return;
        }
        JsonObject reply = reply(id, true);
        answer.response().describe(reply);
        reply.addProperty("reused", answer.reused());
        say(reply);
    }

    private void fail(JsonElement id, String err) {
        JsonObject reply = reply(id, false);
        reply.addProperty("err", err);
        say(reply);
    }

    private static JsonObject reply(JsonElement id, boolean ok) {
        JsonObject reply = new JsonObject();
        reply.add("id", id);
        reply.addProperty("ok", ok);
        return reply;
    }

    private void say(JsonObject line) {
        synchronized (out) {
            out.println(line);
            out.flush();
        }
    }
}
