"""What can be chosen about a simulation. Owns the limits of the choices."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """The choices; equal settings give equal bytes. ValueError for one out of range.

    Two simulations that differ only in `customers` have the same lives for the customers that both have.
    """

    customers: int = 20_000
    days: int = 90
    seed: int = 1
    start: date = date(2026, 1, 1)
    anonymous: float = 0.15
    """Share of the calls whose caller was not recognised."""
    poison: float = 0.0
    """Broken records put in, as a share of the events."""

    def __post_init__(self) -> None:
        if not 1 <= self.customers <= 999_999:
            raise ValueError(f"customers must be from 1 to 999999, not {self.customers}")
        if not 1 <= self.days <= 3_650:
            raise ValueError(f"days must be from 1 to 3650, not {self.days}")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed must be from 0 to {2**31 - 1}, not {self.seed}")
        for name, share, most in (("anonymous", self.anonymous, 0.95), ("poison", self.poison, 0.5)):
            if not 0 <= share <= most:
                raise ValueError(f"{name} must be from 0 to {most}, not {share}")

    @property
    def start_ms(self) -> int:
        """The first instant, in ms since the epoch, UTC."""
        return int(datetime.combine(self.start, datetime.min.time(), UTC).timestamp()) * 1000

    @property
    def end_ms(self) -> int:
        """The first instant after the period, in ms since the epoch, UTC."""
        return self.start_ms + self.days * DAY_MS
