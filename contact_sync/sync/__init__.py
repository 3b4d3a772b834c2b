"""Writing back: plan what would change, check that it is safe, apply exactly that, and prove that both sides agree."""
