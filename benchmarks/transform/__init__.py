"""What benchmarks/transforms.py measures: bronze that is generated, our models over it, and SQL written by hand."""
