"""Networks from files and to files: this library's own, official ones, and models by name."""
