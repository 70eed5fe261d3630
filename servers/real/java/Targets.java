import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The targets that servers/real/README.md lists. */
public final class Targets extends HttpServlet {
    private static final int UNKNOWN_LENGTH = 100;
    private static final byte[] BLOCK = ".".repeat(1 << 16).getBytes(StandardCharsets.US_ASCII);

    /** Connection to the number of requests that it has brought. */
    private final Map<Long, Integer> requests = new ConcurrentHashMap<>();

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        long connection = Long.parseLong(request.getServletConnection().getConnectionId(), 16) + 1;
        int count = requests.merge(connection, 1, Integer::sum);
        String[] words = request.getRequestURI().split("/", 4);
        int number = words.length > 2 ? numberOf(words[2]) : -1;
        response.setContentType("text/plain");
        switch (words.length > 1 ? words[1] : "") {
            case "status":
                response.setStatus(number);
                return;
            case "send-error":
                response.sendError(number);
                return;
            case "big":
                send(response, number, number);
                return;
            case "short":
                send(response, 100, 10);
                return;
            case "unknown-length":
                response.flushBuffer();
                dots(response.getOutputStream(), UNKNOWN_LENGTH);
                return;
            case "slow":
                sleep(number);
                break;
            case "read-body":
                drain(request.getInputStream());
                break;
            case "close":
                response.setHeader("Connection", "close");
                break;
            default:
                break;
        }
        String query = request.getQueryString() == null ? "" : "?" + request.getQueryString();
        byte[] body = ("c" + connection + " r" + count + " " + request.getRequestURI() + query + "\n")
                .getBytes(StandardCharsets.ISO_8859_1);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }

    private static int numberOf(String word) {
        return word.matches("\\d{1,9}") ? Integer.parseInt(word) : -1;
    }

    private static void send(HttpServletResponse response, int length, int bytes) throws IOException {
        response.setContentLength(length);
        dots(response.getOutputStream(), bytes);
    }

    private static void dots(OutputStream out, int bytes) throws IOException {
        for (int left = bytes; left > 0; left -= BLOCK.length) {
            out.write(BLOCK, 0, Math.min(left, BLOCK.length));
        }
    }

    private static void drain(InputStream in) throws IOException {
        byte[] block = new byte[1 << 16];
        while (in.read(block) != -1) {
            // what it says is of no interest
        }
    }

    private static void sleep(int ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
        }
    }
}
