"""Faults on demand: what the internet and Microsoft do to a client on a bad day.

A rule is `{"service", "match", "kind", "tenant", "status", "retry_after", "seconds", "probability", "count",
"body"}`:

- `service`: "graph", "exchange", "sharepoint" or "login"; without it, all of them.
- `match`: a regular expression, searched for in "METHOD /path?query" and, for Exchange, in the name of the cmdlet.
  Items of a batch are held against it one by one, with the path and query that they would have alone; "$batch" in a
  pattern hits the request that carries them. Without it, everything matches.
- `tenant`: an id or a domain; without it, all of them.
- `kind`: "throttle" (429 with `retry_after`, which is sent as it stands; null leaves the header out), "status"
  (`status`, and `body` in place of the usual one), "reset_before" (connection reset, nothing done), "reset_after"
  (done, then reset), "slow" (`seconds` pass before it is done), "stale" (a read is answered from before the latest
  change).
- `count`: how often it strikes (stale: how many reads); without it, always. `probability`: of each strike, 1 unless
  given.

A stale rule with `seconds` also ends when so much time has passed since the change.

Whether a rule strikes is derived from the seed, the rule, the target and how often that target was seen: the same
requests meet the same faults, whatever order they arrive in.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dev.tenant.state import Tenant

KINDS = frozenset({"throttle", "status", "reset_before", "reset_after", "slow", "stale"})


@dataclass
class Rule:
    """One fault."""

    kind: str
    service: str | None = None
    match: str = ""
    tenant: str | None = None
    status: int = 503
    retry_after: int | str | None = None
    seconds: float | None = None
    probability: float = 1.0
    count: int | None = None
    body: Any = None

    def __post_init__(self) -> None:
        """Refuse a rule that could never do what its author meant."""
        if self.kind not in KINDS:
            raise ValueError(f"no such kind of fault: {self.kind}")
        try:
            re.compile(self.match)
        except re.error as error:
            raise ValueError(f"not a regular expression: {self.match}") from error


@dataclass
class Before:
    """A tenant as it was before a change that has not reached every replica."""

    tenant: Tenant
    at: float


class Faults:
    """The rules in force, and how far they are used up."""

    def __init__(self, rules: list[Rule] | None = None, seed: object = 0) -> None:
        self.rules = rules or []
        self.seed = seed
        self._seen: Counter[tuple[int, str]] = Counter()
        self._before: dict[tuple[str, str], Before] = {}

    def strike(
        self, service: str, targets: list[str], tenant: Tenant | None, kinds: frozenset[str] = KINDS - {"stale"}
    ) -> Rule | None:
        """Find the fault that meets a request, and count it as used."""
        for number, rule in enumerate(self.rules):
            if (
                rule.kind in kinds
                and self._applies(rule, service, targets, tenant)
                and self._chance(number, targets[0])
            ):
                return self._used(rule)
        return None

    def lags(self, service: str) -> bool:
        """Whether changes in a service are to be hidden from some reads."""
        return any(rule.kind == "stale" and rule.service in {None, service} for rule in self.rules)

    def remember(self, service: str, before: Tenant) -> None:
        """Keep what a tenant was like before a change; a lag that is still running keeps its older memory."""
        key = (service, before.id)
        kept = self._before.get(key)
        if kept is None or not any(self._lasts(rule, kept) for rule in self.rules if rule.kind == "stale"):
            self._before[key] = Before(before, time.monotonic())

    def stale(self, service: str, targets: list[str], tenant: Tenant) -> Tenant:
        """Answer which state of the tenant a read is to see."""
        kept = self._before.get((service, tenant.id))
        for number, rule in enumerate(self.rules):
            if rule.kind != "stale" or kept is None or not self._applies(rule, service, targets, tenant):
                continue
            if self._lasts(rule, kept) and self._chance(number, targets[0]):
                self._used(rule)
                return kept.tenant
        return tenant

    @staticmethod
    def _lasts(rule: Rule, kept: Before) -> bool:
        in_time = rule.seconds is None or time.monotonic() - kept.at < rule.seconds
        return in_time and rule.count != 0

    @staticmethod
    def _applies(rule: Rule, service: str, targets: list[str], tenant: Tenant | None) -> bool:
        if rule.count == 0 or rule.service not in {None, service}:
            return False
        if rule.tenant and (tenant is None or rule.tenant not in {tenant.id, tenant.domain}):
            return False
        return any(re.search(rule.match, target) for target in targets)

    def _chance(self, number: int, target: str) -> bool:
        rule = self.rules[number]
        if rule.probability >= 1:
            return True
        self._seen[number, target] += 1
        digest = hashlib.sha256(f"{self.seed}|{number}|{target}|{self._seen[number, target]}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 < rule.probability

    @staticmethod
    def _used(rule: Rule) -> Rule:
        if rule.count:
            rule.count -= 1
        return rule
