"""How the promises of docs/reliability.md are tested: damaged inputs to every reader, and kills."""
