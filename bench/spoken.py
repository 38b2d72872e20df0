r"""Words and voices of SoundStorm's speech from true semantic tokens.

  python -m bench.spoken --model=runs/bundle \
      --manifest=corpora/speech/manifest.jsonl

The semantic tokens of each held-out clip are kept, and acoustic codes are made
anew behind three seconds of another clip of the same speaker. The bundle needs
tokenizers and SoundStorm, no semantic stage. Words, voice and naturalness are
measured as in bench.copies, beside the codec's copies. One JSON object a line.
With --given=1 SoundStorm is given the true codes of the first level as well: if
words come back with them, the rest of it is not at fault. With --other_voices
the three seconds are of another speaker, and the voice of what is made is
compared with both: it should be the prompt's, not that of who said the words.
With --levels=3,6,12 what is made is decoded from that many levels each.
"""

import json
from collections.abc import Sequence

import jax
import numpy as np
from absl import app, flags

from audiolm_jax import audio
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation.listeners import speaker_encoder
from audiolm_jax.soundstorm import sampler
from audiolm_jax.tokens import frames
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.tokenizers import windows
from audiolm_jax.tokens.tokenizers.contract import Tokens
from bench import copies, held_out

TEMPERATURE = flags.DEFINE_float(
    'temperature', 1.0, 'Temperature of SoundStorm.'
)
PROMPT_SECONDS = flags.DEFINE_float(
    'prompt_seconds', 3.0, 'Seconds of the voice.'
)
GIVEN = flags.DEFINE_integer('given', 0, 'First levels whose codes are true.')
SEED = flags.DEFINE_integer('seed', 0, 'Seed of the random choices.')
OTHER_VOICES = flags.DEFINE_bool(
    'other_voices', False, 'Whether prompts are of other speakers.'
)


def main(argv: Sequence[str]) -> None:
  del argv
  bundle = Bundle.load(held_out.MODEL.value)
  clips = held_out.clips()
  rate = bundle.tokenizers.sample_rate
  originals = held_out.recordings(clips, rate)
  said = [bundle.tokenizers.encode([clip])[0] for clip in originals]
  codec = [bundle.acoustic.decode(each.acoustic[None])[0] for each in said]
  copies.report('codec', clips, originals, codec, rate)
  prompts = voices(clips, OTHER_VOICES.value)
  made = [
      spoken(bundle, tokens, said[voice], number)
      for number, (tokens, voice) in enumerate(zip(said, prompts, strict=True))
  ]
  asked = map(int, copies.LEVELS.value)
  for levels in list(asked) or [made[0].shape[1]]:
    waveforms = [
        bundle.acoustic.decode(codes[None, :, :levels])[0] for codes in made
    ]
    name = f'spoken anew, {levels} levels'
    copies.report(name, clips, originals, waveforms, rate)
    held_out.save(f'spoken-{levels}', clips, waveforms, rate)
    if OTHER_VOICES.value:
      compare(
          [audio.Sound(each, rate) for each in originals],
          [audio.Sound(each, rate) for each in waveforms],
          prompts,
      )


def voices(clips: Sequence[Clip], of_others: bool = False) -> list[int]:
  """Number of another clip of each clip's speaker, if there is one.

  Args:
    clips: The clips, whose speakers are known.
    of_others: Whether it is to be of any other speaker instead, who changes
      from clip to clip.
  """
  found = []
  for number, clip in enumerate(clips):
    turned = [*range(number + 1, len(clips)), *range(number)]
    others = [
        other
        for other in (turned if of_others else sorted(turned))
        if (clips[other].speaker != clip.speaker) == of_others
    ]
    found.append(others[0] if others else number)
  return found


def compare(
    originals: Sequence[audio.Sound],
    made: Sequence[audio.Sound],
    prompts: Sequence[int],
) -> None:
  """Prints how near voices are to those of the prompts and of the words."""
  encode = speaker_encoder.resemblyzer()
  known = np.stack([encode(sound) for sound in originals])
  heard = np.stack([encode(sound) for sound in made])
  to_prompts = (heard * known[prompts]).sum(-1)
  to_words = (heard * known).sum(-1)
  figures = {
      'cosine to who said the prompt': to_prompts.mean(),
      'cosine to who said the words': to_words.mean(),
      'cosine of the two': (known * known[prompts]).sum(-1).mean(),
      'nearer to the prompt': (to_prompts > to_words).mean(),
  }
  print(json.dumps({key: round(float(v), 3) for key, v in figures.items()}))


def spoken(
    bundle: Bundle, said: Tokens, voice: Tokens, number: int
) -> np.ndarray:
  """Acoustic codes of what is `said`, behind the start of `voice`.

  They are of the levels that SoundStorm makes.
  """
  parallel = bundle.soundstorm
  stage = parallel.stage
  levels = stage.target.levels.stop
  num_known = round(PROMPT_SECONDS.value * stage.target.frames_per_second)
  per = stage.frames_per_unit[SEMANTIC] // stage.frames_per_unit[ACOUSTIC]
  semantic = np.concatenate([voice.semantic[: num_known * per], said.semantic])
  acoustic = np.concatenate([voice.acoustic[:num_known], said.acoustic])
  acoustic = acoustic[:, :levels]
  width = windows.bucket(len(acoustic))
  ids = frames.at_acoustic_rate(stage, semantic[None])
  padding = width - len(acoustic)
  ids = np.pad(ids, [(0, 0), (0, padding)] + [(0, 0)] * (ids.ndim - 2))
  codes = np.pad(acoustic, ((0, padding), (0, 0)))[None]
  made = sampler.fill(
      parallel.model,
      parallel.params,
      ids,
      codes,
      np.arange(width)[None] < num_known,
      np.array([len(acoustic)], np.int32),
      np.float32(TEMPERATURE.value),
      jax.random.split(jax.random.key(SEED.value + number), 1),
      num_given=GIVEN.value,
  )
  return np.asarray(made[0, num_known : len(acoustic)])


if __name__ == '__main__':
  app.run(main)
