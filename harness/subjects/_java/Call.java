import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.function.Consumer;

/** One request: where it goes, its bytes, until when it may take, and who is told how it ended. */
record Call(InetSocketAddress server, byte[] wire, boolean head, boolean asksClose, long deadlineNs, Consumer<Answer> done) {

    /** A whole response, or the error in its place. */
    record Answer(Response response, int reused, IOException error) {
        static Answer failed(IOException error) {
            return new Answer(null, 0, error);
        }
    }

    /** Of a `request` command. Throws IllegalArgumentException and the like where it cannot be understood. */
    static Call of(JsonObject command, int defaultMs, Consumer<Answer> done) {
        URI url = URI.create(command.get("url").getAsString());
        if (url.getHost() == null || url.getPort() < 0) {
            throw new IllegalArgumentException("`url` has a host and a port");
        }
        String method = has(command, "method") ? command.get("method").getAsString() : "GET";
        byte[] body = has(command, "body") ? bytes(command.get("body")) : null;
        StringBuilder text = new StringBuilder(method + " " + target(url) + " HTTP/1.1\r\nHost: " + url.getAuthority() + "\r\n");
        boolean asksClose = false;
        if (has(command, "headers")) {
            for (Map.Entry<String, JsonElement> header : command.getAsJsonObject("headers").entrySet()) {
                String value = header.getValue().getAsString();
                text.append(header.getKey()).append(": ").append(value).append("\r\n");
                asksClose |= header.getKey().equalsIgnoreCase("connection") && value.equalsIgnoreCase("close");
            }
        }
        if (body != null) {
            text.append("Content-Length: ").append(body.length).append("\r\n");
        }
        double ms = has(command, "timeout_ms") ? command.get("timeout_ms").getAsDouble() : defaultMs;
        return new Call(new InetSocketAddress(url.getHost(), url.getPort()), joined(text.append("\r\n").toString(), body),
            method.equals("HEAD"), asksClose, System.nanoTime() + (long) (ms * 1e6), done);
    }

    int leftMs() {
        return (int) Math.max(0, (deadlineNs - System.nanoTime() + 999_999) / 1_000_000);
    }

    private static boolean has(JsonObject command, String field) {
        return command.has(field) && !command.get(field).isJsonNull();
    }

    private static String target(URI url) {
        String path = url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        return url.getRawQuery() == null ? path : path + "?" + url.getRawQuery();
    }

    private static byte[] bytes(JsonElement value) {
        return value.isJsonObject() ? Base64.getDecoder().decode(value.getAsJsonObject().get("base64").getAsString())
            : value.getAsString().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] joined(String head, byte[] body) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(head.getBytes(StandardCharsets.ISO_8859_1));
        if (body != null) {
            all.writeBytes(body);
        }
        return all.toByteArray();
    }
}
