"""Log-mel convolutional network: who speaks, and whether anybody did."""
