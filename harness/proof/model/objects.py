"""Half of the model: what is asked of one object, and what it reads and writes. The other half, its pools: model.py."""

from __future__ import annotations

from proof.model.things import FIN, Answer, Conn, Object, Read, Write, error, ok

READ_BYTES = 4096  # what one read moves from the kernel into the object's own buffer, at most
MORE_THAN_FITS = 400_000  # bytes that the kernel will not take where the peer does not read


class Objects:
    def __init__(self) -> None:
        self.now = 0.0
        self.objects: dict[str, Object] = {}
        self.answers: dict[int, Answer] = {}  # in the order in which they are given
        self.at_once: list[int] = []  # those given since the last turn of the loop, before all that it brings

    def object(self, sock: str) -> Object:
        return self.objects.setdefault(sock, Object())

    def answer(self, call: int, answer: Answer) -> None:
        self.answers[call] = answer
        self.at_once.append(call)

    def end(self, conn: Conn) -> None:
        raise NotImplementedError

    def drop(self, obj: Object) -> None:
        """The object's connection goes. What was under way on it fails, and keeps the object busy until the loop has told."""
        conn, obj.conn = obj.conn, None
        self.end(conn)

    def getreusedtimes(self, call: int, sock: str) -> None:
        obj = self.object(sock)
        if obj.conn:
            self.answer(call, ok(value=obj.conn.reused))
        elif obj.wish and obj.wish not in obj.wish.pool.line:
            self.answer(call, ok(value=0))
        else:
            self.answer(call, error("closed"))

    def settimeouts(self, call: int, sock: str, connect_ms: float = 0, send_ms: float = 0, read_ms: float = 0) -> None:
        obj, bad = self.object(sock), next((ms for ms in (connect_ms, send_ms, read_ms) if ms < 0), None)
        if bad is not None:
            return self.answer(call, error(f"bad timeout value: {bad:g}"))
        obj.connect_ms, obj.send_ms, obj.read_ms = connect_ms or 60_000, send_ms or 60_000, read_ms or 60_000
        self.answer(call, ok())

    def send(self, call: int, sock: str, data: bytes) -> None:
        obj = self.object(sock)
        if obj.wish or obj.write:
            return self.answer(call, error("socket busy connecting" if obj.wish else "socket busy writing"))
        if not obj.conn:
            return self.answer(call, error("closed"))
        if err := obj.conn.send_err:
            self.drop(obj)
            return self.answer(call, error(err))
        if obj.conn.stuck and len(data) >= MORE_THAN_FITS:
            obj.write = Write(call, self.now + obj.send_ms)
        else:
            self.answer(call, ok(sent=len(data), conn=obj.conn))

    def receive(self, call: int, sock: str, how: str, n: int = 0) -> None:
        obj = self.object(sock)
        if obj.wish or obj.read or not obj.conn:
            refusal = obj.busy() if obj.wish or obj.read else error("closed")
            return self.answer(call, refusal | {"partial": b""})
        obj.read = Read(call, how, n, self.now + obj.read_ms)
        self.read_on(obj)

    def read_on(self, obj: Object) -> None:
        read, conn = obj.read, obj.conn
        while (data := read.take(conn)) is None:
            if conn.kernel:
                conn.buffer, conn.kernel = conn.buffer + conn.kernel[:READ_BYTES], conn.kernel[READ_BYTES:]
                read.until = self.now + obj.read_ms  # it counts between two arrivals
            elif conn.ended:  # whatever the error, the connection is closed; the end of a stream is a success of "all"
                obj.read = None
                self.drop(obj)
                err = error("closed" if conn.ended == FIN else "connection reset by peer", partial=conn.buffer)
                return self.answer(read.call, ok(data=conn.buffer) if (read.how, conn.ended) == ("all", FIN) else err)
            else:
                return None
        obj.read = None
        return self.answer(read.call, ok(data=data))

    def read_timeout(self, obj: Object) -> None:
        """The one error that leaves a connection open; what had arrived goes with it."""
        read, obj.read, partial_data, obj.conn.buffer = obj.read, None, obj.conn.buffer, b""
        self.answer(read.call, error("timeout", partial=partial_data, after=read.until))

    def write_timeout(self, obj: Object) -> None:
        write, obj.write = obj.write, None
        self.drop(obj)
        self.answer(write.call, error("timeout", after=write.until))

    def tell_the_lost(self) -> None:
        """Reads and writes whose connection is gone."""
        for obj in self.objects.values():
            for lost in [other for other in (obj.read, obj.write) if other and not obj.conn]:
                self.answer(lost.call, error("closed"))
            if not obj.conn:
                obj.read = obj.write = None
