"""Training: what every run does (``engine``), adversarial training (``gan``), lessons of a teacher (``teaching``)."""
