"""Makes fastabx_fixture.json: the figures of fastabx on seeded features.

fastabx needs Python 3.12 and torch, in an environment of its own:
  pip install fastabx==0.9.0
  FASTABX_WITH_LIBRILIGHT_BUG=1 python tests/evaluation/fastabx_fixture.py
"""

import json
import pathlib
import tempfile

import numpy as np

RATE = 50
NUM_FILES = 12
SECONDS = 4.0
DIM = 6
HEADER = '#file onset offset #phone prev-phone next-phone speaker'
FIXTURE = pathlib.Path(__file__).with_suffix('.json')


def items(seed: int) -> list[str]:
  """Triphones in few contexts, unbalanced over phones and speakers."""
  random = np.random.default_rng(seed)
  lines = []
  for number in range(NUM_FILES):
    start = 0.05
    while start < SECONDS - 0.5:
      end = start + random.uniform(0.08, 0.35)
      phone = random.choice(list('aiu'), p=[0.5, 0.3, 0.2])
      before, after = random.choice(['k t', 'p s', 'k s']).split()
      lines.append(
          f'f{number} {start:.4f} {end:.4f} {phone} {before} {after}'
          f' s{number % 3 if number < 10 else 0}'
      )
      start = end + random.uniform(0.0, 0.1)
  return lines


def features(seed: int, lines: list[str]) -> list[np.ndarray]:
  """Noise, moved by the phone that is said and by the voice."""
  random = np.random.default_rng(seed)
  frames = random.standard_normal((NUM_FILES, round(SECONDS * RATE), DIM))
  for line in lines:
    file, start, end, phone, _, _, speaker = line.split()
    part = slice(int(float(start) * RATE), int(float(end) * RATE))
    frames[int(file[1:]), part, 'aiu'.index(phone)] += 1.5
    frames[int(file[1:]), part, 3 + int(speaker[1:])] += 1.5
  return list(frames.astype(np.float32))


def measure(seed: int) -> dict[str, float]:
  """Both errors by fastabx, nothing sub-sampled."""
  import torch
  from fastabx import zerospeech_abx

  lines = items(seed)
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, 'test.item')
    path.write_text('\n'.join([HEADER, *lines]) + '\n')
    for number, frames in enumerate(features(seed, lines)):
      torch.save(torch.from_numpy(frames), path.with_name(f'f{number}.pt'))
    return {
        speaker: zerospeech_abx(
            path,
            folder,
            max_size_group=None,
            max_x_across=None,
            speaker=speaker,
            frequency=RATE,
        )
        for speaker in ('within', 'across')
    }


if __name__ == '__main__':
  found = {str(seed): measure(seed) for seed in range(3)}
  FIXTURE.write_text(json.dumps(found, indent=2) + '\n')
