"""Writes docs/tokenizers.md: the bundled tokenizers beside AudioLM's Table I.

  python -m bench.tokenizers --model=speech --manifest=speech/manifest.jsonl \\
      --labelled='speech/*.jsonl'

Runs `audiolm evaluate` on held-out clips, once for fidelity and once, on clips
with phone times (data.shipped.phones), for ABX; regenerates some of them from
their semantic tokens, and times the codec on this machine.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import jax
import numpy as np
from absl import app, flags

from audiolm_jax import corpus
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.listeners import perceptual
from audiolm_jax.evaluation.metrics import fidelity
from audiolm_jax.evaluation.subjects import clips
from audiolm_jax.generation import chain
from audiolm_jax.generation.audiolm import AudioLM

MODEL = flags.DEFINE_string(
    'model', 'speech', 'Bundle whose tokenizers are measured.'
)
MANIFEST = flags.DEFINE_string(
    'manifest', None, 'Manifest of the corpus.', required=True
)
OUTPUT = flags.DEFINE_string(
    'output', 'docs/tokenizers.md', 'Page that is written.'
)
LABELLED = flags.DEFINE_string(
    'labelled', None, 'Clips with phone times, for ABX.', required=True
)
NUM_CLIPS = flags.DEFINE_integer(
    'num_clips', 8, 'Number of clips that are made again from their tokens.'
)
SECONDS = flags.DEFINE_float('seconds', 6.0, 'At most, of each of them.')
VISQOL = flags.DEFINE_enum(
    'visqol', 'speech', ['speech', 'audio'], 'Mode of ViSQOL.'
)

# AudioLM, Table I: bit/s, ABX within and across speakers, ViSQOL.
PAPER = (
    ('w2v-BERT', 250, '.067 / .076', '1.1'),
    ('w2v-BERT', 6000, '.056 / .062', '1.4'),
    ('SoundStream', 2000, '.224 / .287', '3.3'),
    ('SoundStream', 6000, '.178 / .266', '3.9'),
)

PAPER_HEAD = ('tokens', 'bit/s', 'ABX within / across', 'ViSQOL')

Row = tuple[Any, ...]
HEAD = (
    'tokens',
    'bit/s',
    'ABX within',
    'ABX across',
    'ViSQOL (MOS)',
    'ViSQOL (NSIM)',
    'SI-SNR (dB)',
    'mel distance (dB)',
    'encode, x real time',
    'decode, x real time',
)


ONLY_ABX = (
    '--split=test',
    '--num_clips=1',
    '--num_counted_clips=1',
    '--nopesq',
)
ONLY_ABX += ('--num_labelled_clips=200', '--labelled_seconds=20')


def evaluate(folder: str, *flags: str) -> dict[str, Any]:
  """The report of `audiolm evaluate`."""
  command = [
      *(sys.executable, '-m', 'audiolm_jax.cli.main', 'evaluate'),
      *(f'--model={MODEL.value}', f'--output_dir={folder}', '--noplots'),
      '--sections=tokenizers',
      *flags,
  ]
  subprocess.run(command, check=True)
  return json.loads((pathlib.Path(folder) / 'report.json').read_text())


def regenerated(bundle: Bundle) -> dict[str, float]:
  """Mean scores of clips drawn anew from their semantic tokens, by metric."""
  lm = AudioLM(bundle, chain.autoregressive(bundle))
  held_out = corpus.read_manifest(MANIFEST.value, 'dev')
  loaded = clips.load(
      clips.choose(held_out, NUM_CLIPS.value),
      lm.sample_rate,
      SECONDS.value,
      lm.hop_length,
  )
  metrics = [fidelity.MEL_DISTANCE, fidelity.SI_SNR]
  metrics += [perceptual.visqol(VISQOL.value)]
  metrics += [perceptual.visqol_similarity(VISQOL.value)]
  scores = {metric.name: [] for metric in metrics}
  for i, length in enumerate(loaded.lengths.tolist()):
    whole = lm.fit(loaded.waveforms[i, :length])
    keys = jax.random.split(jax.random.key(i), 1)
    drawn = lm.acoustic_generation([whole], keys)[0].waveform
    for metric in metrics:
      score = metric.measure(whole, drawn, lm.sample_rate)
      scores[metric.name].append(score)
  return {name: float(np.nanmean(values)) for name, values in scores.items()}


def real_time(bundle: Bundle, levels: int) -> tuple[float, float]:
  """Seconds of audio a second, encoding and decoding; the faster of three."""
  codec = bundle.acoustic
  length = codec.sample_rate * 8 // codec.hop_length * codec.hop_length
  waveform = np.zeros((1, length), np.float32)
  waveform += 0.1 * np.random.default_rng(0).standard_normal(length)
  codes = codec.encode(waveform, np.array([length]))[..., :levels]
  runs = (
      lambda: codec.encode(waveform, np.array([length])),
      lambda: codec.decode(codes),
  )
  return tuple(8 / min(_seconds(run) for _ in range(4)) for run in runs)


def _seconds(run: Any) -> float:
  start = time.perf_counter()
  run()
  return time.perf_counter() - start


def rows(bundle: Bundle, report: dict[str, Any]) -> list[Row]:
  """The table, semantic tokens first."""
  semantic, acoustic = bundle.semantic, bundle.acoustic
  errors = {
      name: (entry['within'], entry['across'])
      for name, entry in report['abx'].items()
  }
  rate = semantic.sample_rate / semantic.hop_length
  bits = rate * np.log2(semantic.codebook_size)
  drawn = regenerated(bundle)
  quality = ('visqol', 'visqol_similarity', 'si_snr', 'mel_distance')
  found = [
      (
          'semantic, audio drawn from them',
          f'{bits:.0f}',
          *errors['semantic centroids'],
          *(drawn[name] for name in quality),
          '',
          '',
      ),
      (
          f'k-means of MFCCs, K = {semantic.codebook_size}',
          f'{bits:.0f}',
          *errors['MFCC centroids'],
          *[''] * 6,
      ),
  ]
  scores = report['reconstruction']['scores']
  bits = acoustic.sample_rate / acoustic.hop_length
  bits *= np.log2(acoustic.codebook_size)
  for i, levels in enumerate(report['reconstruction']['levels']):
    name = f'codec, {levels} level{"s" * (levels > 1)}'
    found.append(
        (
            name,
            f'{levels * bits:.0f}',
            *errors[name],
            *(scores[metric][i] for metric in quality),
            *real_time(bundle, levels),
        )
    )
  return found


def page(bundle: Bundle, report: dict[str, Any]) -> str:
  """Markdown."""
  rebuilt = report['reconstruction']
  ours = [
      [cell if isinstance(cell, str) else f'{cell:.3g}' for cell in row]
      for row in rows(bundle, report)
  ]
  command = (
      f'python -m bench.tokenizers --model={MODEL.value} --manifest=...'
      ' --labelled=...'
  )
  return '\n\n'.join(
      [
          f'# Tokenizers of the bundle `{MODEL.value}` ({bundle.fingerprint})',
          f'Made by `{command}`, on {rebuilt["num_clips"]} held-out clips'
          f' ({rebuilt["seconds"]:.0f} s), audio drawn from semantic tokens on'
          f' {NUM_CLIPS.value} of at most {SECONDS.value:g} s; ABX on'
          f' {report["num_labelled"]} clips with phone times'
          f' ({report["abx"]["MFCCs"]["num_within"]} combinations of phones,'
          f' speaker and context within, {report["abx"]["MFCCs"]["num_across"]}'
          ' across) of the test split. Speeds are of this command on one'
          ' machine.',
          tables.grid(HEAD, ours).rstrip(),
          'Audio is drawn from semantic tokens by the coarse and fine'
          ' stages, as no decoder is trained to invert them. How layer and'
          ' number of clusters compare is in [layers.md](layers.md).',
          "## AudioLM's Table I",
          tables.grid(PAPER_HEAD, PAPER).rstrip(),
      ]
  )


def main(argv):
  del argv
  with tempfile.TemporaryDirectory() as folder:
    report = evaluate(
        folder, f'--manifest={MANIFEST.value}', f'--visqol={VISQOL.value}'
    )
    labelled = evaluate(
        folder, f'--manifest={LABELLED.value}', '--visqol=off', *ONLY_ABX
    )
  report |= {'abx': labelled['abx'], 'num_labelled': labelled['num_labelled']}
  text = page(Bundle.load(MODEL.value), report)
  path = pathlib.Path(OUTPUT.value)
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(text + '\n', encoding='utf-8')
  print(f'Wrote {path}.')


if __name__ == '__main__':
  app.run(main)
