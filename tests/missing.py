"""Libraries that a test wants to be without."""

# Lacks TensorFlow and what needs it, as far as Python can tell.
WITHOUT_TENSORFLOW = """
import sys
sys.modules.update(
    dict.fromkeys(
        ('tensorflow', 'tensorflow_datasets', 'seqio', 't5x', 'apache_beam')
    )
)
"""
