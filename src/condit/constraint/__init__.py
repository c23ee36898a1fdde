"""What must hold: constraints, and the matchers that steer tokens by them."""
