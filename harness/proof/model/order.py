"""A program's commands, as they are sent to the pool and as the model is called."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from proof.model.model import Model
from proof.model.objects import MORE_THAN_FITS
from proof.model.program import Batch, Command
from proof.model.things import Conn
from proof.model.world import World

GUARD_MS = 40  # a step must not take longer than this where a deadline is near


@dataclass(frozen=True)
class Order:
    command: Command
    op: str
    fields: dict[str, Any]
    method: str
    arguments: dict[str, Any]

    def on(self, model: Model, number: int) -> None:
        getattr(model, self.method)(number, **self.arguments)

    def __str__(self) -> str:
        return str(self.command)


class Orders:
    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens = 0

    def order(self, command: Command, model: Model) -> Order | None:
        """None: it makes no sense as things stand."""
        fields = dict(command.fields)
        on_socket = {"sock": command.sock} if command.sock else {}
        match command.op:
            case "connect":
                return self.connect(command, fields)
            case "get":
                self.tokens += 1
                data = f"GET /{self.tokens} HTTP/1.1\r\nHost: poolspec\r\n\r\n"
                return Order(command, "send", on_socket | {"data": data}, "send", on_socket | {"data": data.encode()})
            case "push":
                obj = model.object(command.sock)
                if not obj.conn or not obj.conn.stuck or self.world.is_tcp(obj.conn.address):
                    return None  # on loopback TCP takes megabytes
                data = "x" * MORE_THAN_FITS
                return Order(command, "send", on_socket | {"data": data}, "send", on_socket | {"data": data.encode()})
            case "receive":
                return self.receive(command, fields, model.object(command.sock).conn)
            case "cancel":
                obj = model.object(command.sock)
                pending = [one.call for one in (obj.wish, obj.read, obj.write) if one]
                target = {"target": pending[-1 if fields.get("last") else 0]} if pending else None
                return Order(command, "cancel", target, "cancel", target) if target else None
            case op:
                return Order(command, op, on_socket | fields, op, on_socket | fields)

    def connect(self, command: Command, fields: dict[str, Any]) -> Order:
        address = fields.pop("to")
        if fields.get("pool") == "=":
            fields["pool"] = self.world.addresses["A"].text
        wire = {"sock": command.sock, **self.world.where(address), **({"options": fields} if fields else {})}
        return Order(command, "connect", wire, "connect", {"sock": command.sock, "address": self.world.addresses[address], **fields})

    def receive(self, command: Command, fields: dict[str, Any], conn: Conn | None) -> Order | None:
        how, n = fields["how"], fields.get("n")
        if n == "rest":
            n = len(conn.buffer + conn.kernel) if conn else 0
            if n == 0:
                return None
        wire = {"sock": command.sock, how: True if n is None else n}
        return Order(command, "receive", wire, "receive", {"sock": command.sock, "how": how, "n": n or 0})

    def rehearse(self, batch: Batch, model: Model, victim: Conn | None) -> tuple[list[Order], int | None]:
        """The commands of a batch that make sense, and which of them is the block during which the fault can happen to its victim."""
        model = copy.deepcopy(model)
        orders: list[Order] = []
        busy: set[str] = set()  # sockets whose answer may come at any time
        block = None
        for command in batch.commands:
            if command.sock in busy or (command.op == "get" and victim) or (command.op == "block" and is_racy(model, command)):
                continue
            order = self.order(command, model)
            if order is None:
                continue
            order.on(model, self.world.asked + 1 + len(orders))
            if command.op == "get":
                busy.add(command.sock)
            if command.op == "block" and block is None and victim and victim.tag not in {conn.tag for conn in model.closed}:
                block = len(orders)
            orders.append(order)
        return orders, block

    def response(self, conn: Conn, req: int, order: Order) -> bytes:
        target = order.arguments["data"].split()[1].decode()
        body = f"c{conn.tag} r{req} {target}\n"
        if conn.address == self.world.addresses["B"]:
            body = body.ljust(5000, ".")
        return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def is_racy(model: Model, block: Command) -> bool:
    """Whether somebody's time would be up just when the block ends."""
    end = model.now + dict(block.fields)["ms"]
    return any(abs(until - end) < GUARD_MS for until, _ in model.deadlines())
