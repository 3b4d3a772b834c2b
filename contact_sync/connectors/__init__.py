"""How records come in and go back: one module or package per protocol, behind the two ports of base.py."""
