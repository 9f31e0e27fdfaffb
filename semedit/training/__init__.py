"""Training: what every run does (``engine``), and SemanticStyleGAN's adversarial training (``gan``)."""
