import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** One response, taken from bytes as they come: by its length, in chunks, or up to the end of the connection (RFC 9112, section 6.3). */
final class Response {
    private enum At { STATUS, HEADER, BODY, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER, TO_THE_END, DONE }

    private static final int LINE_BYTES_MAX = 65_536;
    private static final int SWITCHING_PROTOCOLS = 101; // the last response: what follows is no HTTP (RFC 9110, section 7.8)

    private final boolean head;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private final Map<String, String> headers = new LinkedHashMap<>();
    private At at = At.STATUS;
    private int status;
    private boolean http10;
    private long left; // of the body, or of the chunk
    private boolean begun;

    Response(boolean head) {
        this.head = head;
    }

    /** Takes what belongs to the response and leaves what follows it. Returns whether the response is whole. */
    boolean take(ByteBuffer in) throws IOException {
        begun |= in.hasRemaining();
        while (at != At.DONE && in.hasRemaining()) {
            switch (at) {
                case BODY, CHUNK -> takeBody(in);
                case TO_THE_END -> {
                    left = in.remaining();
                    takeBody(in);
                }
                default -> takeLine(in);
            }
        }
        return at == At.DONE;
    }

    /** The connection has ended: a whole response where it was to last until then, an error anywhere else. */
    void end() throws IOException {
        if (at != At.TO_THE_END) {
            throw new EOFException(begun ? "end of stream within the response" : "end of stream instead of a response");
        }
        at = At.DONE;
    }

    /** Whether the connection may be used again (RFC 9112, section 9.3). */
    boolean keepsConnection(boolean asksClose) {
        String connection = headers.getOrDefault("connection", "").toLowerCase(Locale.ROOT);
        boolean bounded = headers.containsKey("content-length") || headers.containsKey("transfer-encoding") || bodyless();
        return bounded && !asksClose && status != SWITCHING_PROTOCOLS && !hasToken(connection, "close") && (!http10 || hasToken(connection, "keep-alive"));
    }

    void describe(JsonObject reply) {
        JsonObject named = new JsonObject();
        headers.forEach(named::addProperty);
        reply.addProperty("status", status);
        reply.add("headers", named);
        try {
            reply.addProperty("body", StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body.toByteArray())).toString());
        } catch (CharacterCodingException notText) {
            JsonObject raw = new JsonObject();
            raw.addProperty("base64", Base64.getEncoder().encodeToString(body.toByteArray()));
            reply.add("body", raw);
        }
    }

    private static boolean hasToken(String list, String token) {
        for (String one : list.split(",")) {
            if (one.strip().equals(token)) {
                return true;
            }
        }
        return false;
    }

    private boolean bodyless() {
        return head || status == 204 || status == 304 || status == SWITCHING_PROTOCOLS;
    }

    private void takeBody(ByteBuffer in) {
        byte[] piece = new byte[(int) Math.min(left, in.remaining())];
        in.get(piece);
        body.writeBytes(piece);
        left -= piece.length;
        if (left == 0 && at != At.TO_THE_END) {
            at = at == At.CHUNK ? At.CHUNK_END : At.DONE;
        }
    }

    private void takeLine(ByteBuffer in) throws IOException {
        byte one = in.get();
        if (one != '\n') {
            line.write(one);
            if (line.size() > LINE_BYTES_MAX) {
                throw new IOException("a line of more than " + LINE_BYTES_MAX + " bytes");
            }
            return;
        }
        String text = line.toString(StandardCharsets.ISO_8859_1).stripTrailing();
        line.reset();
        switch (at) {
            case STATUS -> takeStatus(text);
            case HEADER -> takeHeader(text);
            case CHUNK_SIZE -> takeChunkSize(text);
            case CHUNK_END -> at = At.CHUNK_SIZE;
            default -> at = text.isEmpty() ? At.DONE : At.TRAILER;
        }
    }

    private void takeStatus(String text) throws IOException {
        String[] words = text.split(" ", 3);
        if (words.length < 2 || !words[0].startsWith("HTTP/1.") || !words[1].matches("[1-9][0-9][0-9]")) {
            throw new IOException("no status line: " + text);
        }
        http10 = words[0].equals("HTTP/1.0");
        status = Integer.parseInt(words[1]);
        at = At.HEADER;
    }

    private void takeHeader(String text) throws IOException {
        if (!text.isEmpty()) {
            int colon = text.indexOf(':');
            if (colon < 1) {
                throw new IOException("no header: " + text);
            }
            String value = text.substring(colon + 1).strip();
            headers.merge(text.substring(0, colon).toLowerCase(Locale.ROOT), value, (one, other) -> one + ", " + other);
        } else if (status < 200 && status != SWITCHING_PROTOCOLS) { // an interim response; the real one follows
            headers.clear();
            at = At.STATUS;
        } else {
            beginBody();
        }
    }

    private void beginBody() throws IOException {
        if (bodyless()) {
            at = At.DONE;
        } else if (headers.containsKey("transfer-encoding")) {
            at = At.CHUNK_SIZE;
        } else if (headers.containsKey("content-length")) {
            left = number(headers.get("content-length"), 10);
            at = left == 0 ? At.DONE : At.BODY;
        } else {
            at = At.TO_THE_END;
        }
    }

    private void takeChunkSize(String text) throws IOException {
        left = number(text.split(";", 2)[0].strip(), 16);
        at = left == 0 ? At.TRAILER : At.CHUNK;
    }

    private static long number(String text, int radix) throws IOException {
        try {
            long number = Long.parseLong(text, radix);
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException wrong) {
            // told below
        }
        throw new IOException("no length: " + text);
    }
}
