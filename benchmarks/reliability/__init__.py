"""How the promises of docs/explanation/reliability.md are tested: damaged inputs to every reader, and kills."""
