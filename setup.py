"""For tools that ask for a setup.py; pyproject.toml says everything."""

import setuptools

setuptools.setup()
