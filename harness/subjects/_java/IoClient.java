import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Blocking sockets, a thread for each request. Nobody looks at an idle connection; before a use it is read for a millisecond (the
 * stale check, which can be switched off): the end of the stream or an error means stale. Bytes do not: they stay in the
 * connection's buffer, as those do that came behind a response, and are what the next response is read from. Apache's HttpCore
 * 4 does the same (BHttpConnectionBase.isStale).
 */
final class IoClient implements Client {
    private final boolean staleCheck;
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });
    private final Map<InetSocketAddress, Deque<Connection>> idle = new HashMap<>();

    IoClient(boolean staleCheck) {
        this.staleCheck = staleCheck;
    }

    @Override
    public void request(Call call) {
        threads.execute(() -> call.done().accept(perform(call)));
    }

    private Call.Answer perform(Call call) {
        Connection connection = null;
        try {
            connection = borrow(call);
            Response response = connection.exchange(call);
            Call.Answer answer = new Call.Answer(response, connection.reused, null);
            if (response.keepsConnection(call.asksClose())) {
                giveBack(call.server(), connection);
            } else {
                connection.close();
            }
            return answer;
        } catch (IOException error) {
            if (connection != null) {
                connection.close();
            }
            return Call.Answer.failed(error);
        }
    }

    private Connection borrow(Call call) throws IOException {
        Connection kept;
        while ((kept = poll(call.server())) != null) {
            if (!staleCheck || !kept.isStale()) {
                kept.reused++;
                return kept;
            }
            kept.close();
        }
        return new Connection(call);
    }

    private synchronized Connection poll(InetSocketAddress server) {
        Deque<Connection> kept = idle.get(server);
        return kept == null ? null : kept.pollFirst();
    }

    private synchronized void giveBack(InetSocketAddress server, Connection connection) {
        idle.computeIfAbsent(server, key -> new ArrayDeque<>()).addFirst(connection);
    }

    private static final class Connection {
        private final Socket socket = new Socket();
        private final InputStream in;
        private final ByteBuffer buffer = ByteBuffer.allocate(65_536).limit(0);
        private int reused;

        Connection(Call call) throws IOException {
            try {
                socket.setTcpNoDelay(true);
                socket.connect(call.server(), Math.max(1, call.leftMs()));
                in = socket.getInputStream();
            } catch (IOException error) {
                close();
                throw error;
            }
        }

        boolean isStale() {
            try {
                return !buffer.hasRemaining() && fill(1) < 0;
            } catch (SocketTimeoutException quiet) {
                return false;
            } catch (IOException broken) {
                return true;
            }
        }

        Response exchange(Call call) throws IOException {
            Response response = new Response(call.head());
            socket.getOutputStream().write(call.wire());
            while (!response.take(buffer)) {
                if (call.leftMs() == 0) {
                    throw new SocketTimeoutException("Read timed out");
                }
                if (fill(call.leftMs()) < 0) {
                    response.end();
                    break;
                }
            }
            return response;
        }

        private int fill(int withinMs) throws IOException {
            socket.setSoTimeout(Math.max(1, withinMs));
            int n = in.read(buffer.array());
            if (n > 0) {
                buffer.position(0).limit(n);
            }
            return n;
        }

        void close() {
            try {
                socket.close();
            } catch (IOException gone) {
                // it is what was wanted
            }
        }
    }
}
