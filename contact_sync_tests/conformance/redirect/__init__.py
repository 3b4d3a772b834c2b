"""Put on PYTHONPATH of a client as a whole; only sitecustomize.py matters."""
