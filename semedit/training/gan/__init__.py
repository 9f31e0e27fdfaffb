"""The adversarial training of SemanticStyleGAN, and its adaptation to other pictures."""
