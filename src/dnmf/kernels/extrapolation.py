"""How far alternating updates look ahead, and when they have come far enough."""

# Ang and Gillis 2019: how fast the extrapolation and its ceiling grow, and how fast both fall after a rise.
FIRST_STEP, GROWTH, CEILING_GROWTH, DECAY = 0.5, 1.05, 1.01, 1.5


class Extrapolation:
    """The factor by which a point is moved on along its last step; smaller after every rise of the cost.

    Ang and Gillis 2019, Neural Computation 31:417, algorithm 3.
    """

    def __init__(self) -> None:
        self.factor, self._ceiling = FIRST_STEP, 1.0

    def went_down(self) -> None:
        """Dare more."""
        self._ceiling = min(1.0, CEILING_GROWTH * self._ceiling)
        self.factor = min(self._ceiling, GROWTH * self.factor)

    def went_up(self) -> None:
        """Dare less, and not again as much as this soon."""
        self._ceiling, self.factor = self.factor, self.factor / DECAY
