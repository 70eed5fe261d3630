"""Wrong pools: each differs from the right one in one thing. test_judge_fakes.py says at which clause each must be convicted."""

from __future__ import annotations

from typing import Any

from pool import Conn, Object, Pool


class NoIdleWatch(Pool):
    def watched(self) -> list[Conn]:
        return []


class ReusesDirty(NoIdleWatch):
    def fit_to_reuse(self, conn: Conn) -> bool:
        return True


class NeverReuses(Pool):
    def fit_to_reuse(self, conn: Conn) -> bool:
        return False


class EvictsNewest(Pool):
    def victim(self, conns: list[Conn]) -> Conn:
        return conns[-1]


class EvictsByAge(Pool):
    def victim(self, conns: list[Conn]) -> Conn:
        return min(conns, key=lambda conn: conn.opened)


class NeverEvicts(Pool):
    def size_of(self, key: str, asked: int | None) -> int:
        return self.sizes.setdefault(key, 1_000_000)


class SizeFromLastCaller(Pool):
    def size_of(self, key: str, asked: int | None) -> int:
        self.sizes[key] = self.size if asked is None else asked
        return self.sizes[key]


class IgnoresTimeout(Pool):
    def lifetime_ms(self, asked: float | None) -> float:
        return 0


class ClosesTooEarly(Pool):
    def lifetime_ms(self, asked: float | None) -> float:
        return super().lifetime_ms(asked) * 0.8


class IgnoresDubious(Pool):
    def is_dubious(self, conn: Conn) -> bool:
        return False


class LeavesOpen(Pool):
    def after_success(self, obj: Object) -> None:
        pass


class HidesReuse(Pool):
    def connect(self, obj: Object, address: Any, key: str) -> dict[str, Any]:
        return super().connect(obj, address, key) | {"reused": 0}


class ForgetsKey(Pool):
    def connect(self, obj: Object, address: Any, key: str) -> dict[str, Any]:
        return super().connect(obj, address, "everything")
