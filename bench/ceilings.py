r"""Causes of a codec's lost quality: what if copies were partly the original?

  python -m bench.ceilings --model=runs/codec \
      --manifest=corpora/speech/manifest.jsonl --clips=6

Short-time spectra of copies get the magnitudes, the phases, a band or the quiet
bins of the originals, and are heard by PESQ, ViSQOL and DNSMOS. What raises a
figure most is what the codec should learn next. The first row is of the copies
as they are, with the mean error of a bin in dB and its bias (louder copies are
positive) in four bands, of bins up to 45 dB below a clip's loudest. One JSON
object a line.
"""

import json
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from absl import app
from jaxtyping import Complex, Float
from scipy import signal

from audiolm_jax.evaluation.metrics.fidelity import Metric
from bench import copies, held_out

_WINDOW = 512
_BANDS_HZ = ((0, 1000), (1000, 2500), (2500, 4000), (4000, 8000))
_HEARD_DB = 45.0
_QUIET_DB = 50.0
_EPSILON = 1e-6

Spectra = Complex[np.ndarray, 'F T']
Mix = Callable[[Spectra, Spectra], Spectra]


def main(argv: Sequence[str]) -> None:
  del argv
  codec = copies.load_codec(held_out.MODEL.value)
  clips = held_out.clips()
  rate = codec.sample_rate
  originals = held_out.recordings(clips, rate)
  copied = [copy for _, copy in copies.copied(codec, originals)][-1]
  metrics = [m for m in copies.metrics() if m.name != 'speaker']
  pairs = [
      (_stft(original), _stft(copy))
      for original, copy in zip(originals, copied, strict=True)
  ]
  _report('the copies', metrics, originals, copied, rate, _errors(pairs, rate))
  for name, mix in _mixes(rate):
    mixed = [
        _istft(mix(*pair), len(original))
        for pair, original in zip(pairs, originals, strict=True)
    ]
    _report(name, metrics, originals, mixed, rate, {})


def _mixes(rate: int) -> Iterator[tuple[str, Mix]]:
  """Yields the name of each row and the part of the original that it takes."""
  yield 'phases', lambda x, y: np.abs(y) * np.exp(1j * np.angle(x))
  yield 'magnitudes', lambda x, y: np.abs(x) * np.exp(1j * np.angle(y))
  floor = 10 ** (-_QUIET_DB / 20)
  yield (
      f'bins {_QUIET_DB:g} dB below the loudest',
      lambda x, y: np.where(np.abs(x) < floor * np.abs(x).max(), x, y),
  )
  for low, high in _BANDS_HZ:
    inside = _inside(low, high, rate)[:, None]
    yield f'{low} to {high} Hz', lambda x, y, i=inside: np.where(i, x, y)


def _errors(
    pairs: Sequence[tuple[Spectra, Spectra]], rate: int
) -> dict[str, float]:
  """Mean error and bias of the bins of each band, in dB."""
  found = {}
  for low, high in _BANDS_HZ:
    inside = _inside(low, high, rate)
    differences = np.concatenate([_heard(*pair, inside) for pair in pairs])
    found[f'error_db_{low}_{high}'] = float(np.abs(differences).mean())
    found[f'bias_db_{low}_{high}'] = float(differences.mean())
  return found


def _heard(
    original: Spectra, copy: Spectra, inside: np.ndarray
) -> Float[np.ndarray, ' N']:
  said, heard = (_decibels(x[inside]) for x in (original, copy))
  loud = said > _decibels(np.abs(original).max()) - _HEARD_DB
  return (heard - said)[loud]


def _decibels(values: np.ndarray) -> np.ndarray:
  return 20 * np.log10(np.abs(values) + _EPSILON)


def _inside(low: float, high: float, rate: int) -> np.ndarray:
  hertz = np.fft.rfftfreq(_WINDOW, 1 / rate)
  return (hertz >= low) & ((hertz < high) | (high == _BANDS_HZ[-1][1]))


def _stft(waveform: Float[np.ndarray, ' N']) -> Spectra:
  overlap = _WINDOW * 3 // 4
  return signal.stft(waveform, nperseg=_WINDOW, noverlap=overlap)[2]


def _istft(spectra: Spectra, length: int) -> Float[np.ndarray, ' N']:
  overlap = _WINDOW * 3 // 4
  waveform = signal.istft(spectra, nperseg=_WINDOW, noverlap=overlap)[1]
  return waveform[:length].astype(np.float32)


def _report(
    name: str,
    metrics: Sequence[Metric],
    originals: held_out.Waveforms,
    made: held_out.Waveforms,
    rate: int,
    more: dict[str, float],
) -> None:
  figures = {
      metric.name: np.nanmean(
          [
              metric.measure(*pair, rate)
              for pair in zip(originals, made, strict=True)
          ]
      )
      for metric in metrics
  }
  rounded = {k: round(float(v), 3) for k, v in (figures | more).items()}
  print(json.dumps({'of the original': name, **rounded}), flush=True)


if __name__ == '__main__':
  app.run(main)
