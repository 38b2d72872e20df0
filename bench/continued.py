r"""Quality of continuations of held-out voices: sound, voice, level, words.

  python -m bench.continued --model=speech \
      --manifest=corpora/speech/manifest.jsonl

The first seconds of held-out clips are continued by the bundle, by SoundStorm
where it has one, and stand beside what the speakers went on to say, through the
codec and as it was recorded. DNSMOS; cosine of a speaker encoder to another
clip of the speaker (or the prompt, if there is none) and in how many cases that
is the nearest of all held-out speakers; level of the last two seconds against
the prompt's in dB; the share of quarters of a second under -60 dBFS; words that
Whisper hears, and how many of them are among the 20,000 commonest by
`wordfreq`. One JSON object a line.
"""

import json
import re
from collections.abc import Sequence

import jax
import numpy as np
import wordfreq
from absl import app, flags

from audiolm_jax import AudioLM, Bundle
from audiolm_jax.audio import Sound
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation.listeners import (
    naturalness,
    recogniser,
    speaker_encoder,
)
from audiolm_jax.generation import chain
from bench import held_out

PROMPT_SECONDS = flags.DEFINE_float(
    'prompt_seconds', 3.0, 'Seconds of each clip.'
)
SECONDS = flags.DEFINE_float(
    'continuation_seconds', 7.0, 'Seconds to generate.'
)
SAMPLES = flags.DEFINE_integer('samples', 1, 'Samples of each prompt.')
SEED = flags.DEFINE_integer('seed', 0, 'Seed of the samples.')
SEMANTIC = flags.DEFINE_float(
    'semantic_temperature',
    None,
    "Temperature of the semantic stage; the bundle's by default.",
)
STORM = flags.DEFINE_float(
    'soundstorm_temperature',
    None,
    "Temperature of SoundStorm; the bundle's by default.",
)

_NUM_WORDS = 20_000
_END_SECONDS = 2.0


def main(argv: Sequence[str]) -> None:
  del argv
  bundle = Bundle.load(held_out.MODEL.value)
  rate = bundle.tokenizers.sample_rate
  clips = held_out.clips()
  recordings = held_out.recordings(clips, rate)
  cut = round(PROMPT_SECONDS.value * rate)
  judge = Judge(clips, recordings, cut, rate)
  later = [waveform[cut:] for waveform in recordings]
  judge.report('recorded', later, range(len(clips)))
  copied = [
      bundle.acoustic.decode(tokens.acoustic[None])[0][cut:]
      for tokens in bundle.tokenizers.encode(recordings)
  ]
  judge.report('copied by the codec', copied, range(len(clips)))
  made = continued(bundle, [waveform[:cut] for waveform in recordings])
  which = [number for number in range(len(clips)) for _ in range(SAMPLES.value)]
  judge.report('continued', made, which)
  held_out.save('continued', [clips[number] for number in which], made, rate)


def continued(
    bundle: Bundle, prompts: Sequence[np.ndarray]
) -> list[np.ndarray]:
  """Waveforms that the samples add to their prompts."""
  given = {'semantic': SEMANTIC.value, 'soundstorm': STORM.value}
  samplings = chain.at_temperatures(
      chain.recommended(bundle),
      {name: value for name, value in given.items() if value is not None},
  )
  lm = AudioLM(bundle, chain.CHAINS[chain.preferred(bundle)](bundle, samplings))
  prompts = [prompt for prompt in prompts for _ in range(SAMPLES.value)]
  keys = jax.random.split(jax.random.key(SEED.value), len(prompts))
  return [
      each.waveform[each.prompt_samples :]
      for each in lm.continuation(prompts, SECONDS.value, keys)
  ]


class Judge:
  """All that is measured of what follows a prompt."""

  def __init__(
      self,
      clips: Sequence[Clip],
      recordings: Sequence[np.ndarray],
      cut: int,
      rate: int,
  ):
    """Hears every speaker once."""
    self._prompts = [waveform[:cut] for waveform in recordings]
    self._speakers = [clip.speaker for clip in clips]
    self._encode = speaker_encoder.resemblyzer()
    self._predict_mos = naturalness.dnsmos()
    self._recognise = recogniser.whisper(1)
    self._known = set(wordfreq.top_n_list('en', _NUM_WORDS))
    self._rate = rate
    self._voices = [
        self._encode(Sound(waveform, rate)) for waveform in recordings
    ]

  def report(
      self, name: str, waveforms: Sequence[np.ndarray], which: Sequence[int]
  ) -> None:
    """Prints the figures of what follows the prompts `which`."""
    rows = [
        self._measure(waveform, number)
        for waveform, number in zip(waveforms, which, strict=True)
    ]
    means = {
        key: round(float(np.nanmean([row[key] for row in rows])), 3)
        for key in rows[0]
        if key not in ('words', 'known')
    }
    words, known = (sum(row[key] for row in rows) for key in ('words', 'known'))
    found = {'what': name, 'samples': len(rows), **means}
    found |= {'words': words, 'known': round(known / max(words, 1), 3)}
    print(json.dumps(found), flush=True)

  def _measure(self, waveform: np.ndarray, number: int) -> dict[str, float]:
    sound = Sound(waveform, self._rate)
    voice = self._encode(sound)
    nearness = self._nearness(voice, number)
    mine = nearness.pop(self._speakers[number])
    text = self._recognise(sound, held_out.LANGUAGE.value).lower()
    words = re.findall(r"[a-z']+", text)
    end = waveform[-round(_END_SECONDS * self._rate) :]
    change = _decibels(end) - _decibels(self._prompts[number])
    return {
        'dnsmos': self._predict_mos(waveform, self._rate),
        'cosine': mine,
        'nearest': float(mine > max(nearness.values())),
        'level': change,
        'level within 6 dB': float(abs(change) < 6),
        'silent': _silent(waveform, self._rate),
        'words': len(words),
        'known': sum(word in self._known for word in words),
    }

  def _nearness(self, voice: np.ndarray, number: int) -> dict[str, float]:
    """Mean cosine to each speaker's clips, but for that of the prompt."""
    cosines: dict[str, list[float]] = {}
    for other, (speaker, known) in enumerate(
        zip(self._speakers, self._voices, strict=True)
    ):
      alone = self._speakers.count(speaker) == 1
      if other != number or alone:
        cosines.setdefault(speaker, []).append(float(voice @ known))
    return {speaker: np.mean(values) for speaker, values in cosines.items()}


def _silent(waveform: np.ndarray, rate: int) -> float:
  """Share of the quarters of a second in which hardly anything sounds."""
  size = rate // 4
  whole = waveform[: len(waveform) // size * size].reshape(-1, size)
  return float(np.mean([_decibels(each) < -60 for each in whole]))


def _decibels(waveform: np.ndarray) -> float:
  return 10 * np.log10(np.mean(np.square(waveform)) + 1e-10)


if __name__ == '__main__':
  app.run(main)
