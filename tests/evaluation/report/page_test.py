"""Tests audiolm_jax/evaluation/report/page.py."""

import base64
import html.parser
import io

import numpy as np
import soundfile

from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.report import page

TABLE = tables.Table('t', 'A & B', '<x>', ['h'], [['<script>'], [0.5]])


class Links(html.parser.HTMLParser):
  """Everything that a page would fetch."""

  def __init__(self, text: str):
    super().__init__()
    self.sources, self.tags = [], []
    self.feed(text)

  def handle_starttag(self, tag, attrs):
    self.tags.append(tag)
    self.sources += [value for name, value in attrs if name == 'src']


def written(tmp_path, waveform):
  picture = tmp_path / 'p.png'
  picture.write_bytes(b'\x89PNG')
  example = page.Example('e', [page.Take('x', waveform)], 16000, picture)
  return Links(page.html('T', [TABLE], [picture], [example]))


def test_a_page_fetches_nothing_and_runs_nothing(tmp_path):
  links = written(tmp_path, np.zeros(160, np.float32))
  assert len(links.sources) == 3 and 'script' not in links.tags
  assert all(source.startswith('data:') for source in links.sources)


def test_a_player_holds_the_sound_itself(tmp_path, voice):
  links = written(tmp_path, voice)
  [sound] = [s for s in links.sources if s.startswith('data:audio')]
  data = base64.b64decode(sound.split(',')[1])
  heard, rate = soundfile.read(io.BytesIO(data), dtype='float32')
  assert rate == 16000
  np.testing.assert_allclose(heard, voice, atol=2**-15)
