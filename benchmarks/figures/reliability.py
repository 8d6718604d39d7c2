"""`docs/explanation/reliability.md`: its counts are printed by the tests that it names, and are in no file."""

from figures.pages import Says

CONSTANTS = "3.11; 3.12; 3.13; 3.14; 0.0; 0.6; 5 seconds; 25 seconds; 1 GB; 1.6 GB"


def says() -> list[Says]:
    return []
