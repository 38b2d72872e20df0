"""AudioLM's Table II: what a recogniser still understands."""

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from audiolm_jax import progress
from audiolm_jax.audio import Sound
from audiolm_jax.evaluation import intervals
from audiolm_jax.evaluation.intervals import Figure
from audiolm_jax.evaluation.listeners.recogniser import Recogniser
from audiolm_jax.evaluation.metrics import spoken_text
from audiolm_jax.evaluation.tables import Cell, Missing, Table

ORIGINAL = 'original'
CODEC = 'codec reconstruction'
GENERATION = 'acoustic generation'
# CER and WER in per cent, on LibriSpeech test-clean with another recogniser.
PUBLISHED = {
    ORIGINAL: (0.8, 2.5),
    CODEC: (0.9, 2.6),
    GENERATION: (3.4, 6.0),
    'GSLM unit-to-speech': (2.9, 6.6),
}
_NOTE = (
    'Errors of a speech recogniser against the transcripts, in per cent of'
    ' their characters and words (fewer is better; AudioLM s. IV-C). The'
    " paper's columns are of LibriSpeech test-clean, clips of 4 to 10 s, and of"
    " a stronger recogniser. Texts as Whisper's normaliser makes them. 95 %"
    ' intervals are over speakers. {}'
)


class Spoken(NamedTuple):
  """Speech whose text is known.

  Attributes:
    sound: Sound of the speech.
    transcript: Text of the speech.
    speaker: Speaker, the unit that intervals are drawn over.
    language: Name of the language, as the recogniser has it.
  """

  sound: Sound
  transcript: str
  speaker: Hashable
  language: str = 'en'


class Errors(NamedTuple):
  """Insertions, deletions and substitutions of one clip, and out of what.

  Attributes:
    characters: Errors in characters; the spaces between words are some.
    num_characters: Number of characters of the transcript.
    words: Errors in words.
    num_words: Number of words of the transcript.
  """

  characters: int
  num_characters: int
  words: int
  num_words: int


def table(
    recognise: Recogniser | Missing,
    sounds: Mapping[str, Sequence[Spoken]],
    source: str,
    seed: int = 0,
) -> Table:
  """A row for each kind of sound, beside the paper's.

  Args:
    recognise: Speech to text, or why there is none.
    sounds: Sounds by ORIGINAL, CODEC, GENERATION, or any other name. There may
      be several samples of a clip.
    source: A sentence for the note on what the clips are.
    seed: Seed of the bootstrap.
  """
  rows: list[list[Cell]] = []
  for name, spoken in sounds.items():
    cells: list[Cell] = [recognise, recognise, None]
    if not isinstance(recognise, Missing):
      texts = transcribe(recognise, spoken, name)
      cells = [*figures(texts, spoken, seed), len(spoken)]
    rows.append([name, *cells, *PUBLISHED.get(name, (None, None))])
  rows += [
      [name, None, None, None, *rates]
      for name, rates in PUBLISHED.items()
      if name not in sounds
  ]
  return Table(
      'recognition',
      'What a recogniser understands (Table II)',
      _NOTE.format(source),
      ('sound', 'CER', 'WER', 'clips', "paper's CER", "paper's WER"),
      rows,
  )


def transcribe(
    recognise: Recogniser, spoken: Sequence[Spoken], what: str
) -> list[str]:
  """The words that are heard in each clip."""
  return [
      recognise(clip.sound, clip.language)
      for clip in progress.follow(spoken, f'Recognising: {what}')
  ]


def figures(
    texts: Sequence[str], spoken: Sequence[Spoken], seed: int = 0
) -> tuple[Figure, Figure]:
  """CER and WER in per cent: all errors over all characters and words."""
  found = [
      errors(clip.transcript, text, clip.language)
      for text, clip in zip(texts, spoken, strict=True)
  ]
  speakers = [clip.speaker for clip in spoken]
  characters = intervals.ratio(
      [100 * each.characters for each in found],
      [each.num_characters for each in found],
      speakers,
      seed,
  )
  words = intervals.ratio(
      [100 * each.words for each in found],
      [each.num_words for each in found],
      speakers,
      seed,
  )
  return characters, words


def errors(transcript: str, text: str, language: str = 'en') -> Errors:
  """Counts what it takes to make one of the other, both normalised."""
  said, heard = (
      spoken_text.normalise(each, language) for each in (transcript, text)
  )
  return Errors(
      spoken_text.edit_distance(said, heard),
      len(said),
      spoken_text.edit_distance(said.split(), heard.split()),
      len(said.split()),
  )
