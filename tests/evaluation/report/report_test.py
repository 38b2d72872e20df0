"""Tests `audiolm_jax/evaluation/report`: report, result_tables and plots."""

import json
import math

import numpy as np
import pytest

from audiolm_jax.evaluation import intervals, tables
from audiolm_jax.evaluation.metrics import (
    clusters,
    faults,
    language_model,
    reconstruction,
)
from audiolm_jax.evaluation.metrics.abx import Abx
from audiolm_jax.evaluation.report import plots, report, result_tables
from audiolm_jax.evaluation.subjects import generated

LOSSES = language_model.Losses(3.25, 5.0, 4.5, 1234)
RESULTS = {
    'inputs': {'model': 'speech'},
    'reconstruction': reconstruction.Reconstruction(
        [1, 2],
        {'visqol': [1.5, 2.5], 'si_snr': [math.nan, -3.0]},
        {'visqol': True, 'si_snr': False},
        {'visqol': 'MOS', 'si_snr': 'dB'},
        12,
        60.0,
    ),
    'codebooks': reconstruction.codebook_use(
        np.arange(40).reshape(20, 2), 64, 50.0
    ),
    'meaning': {'tokens|a': clusters.Meaning(0.5, 0.1, 0.6, 0.2, 100, 10, 5)},
    'abx': {'MFCC': Abx(0.25, math.nan, 20, 0)},
    'language_models': {
        'coarse': language_model.Evaluation(LOSSES, [LOSSES, LOSSES], 99)
    },
    'generations': [
        generated.Checked(
            'a.wav',
            3.0,
            faults.Prompt(3.0, 0.9, math.nan, True),
            faults.Continuation(-20.0, -1.0, -3.0, 0.0, 0.3, 2.0, ['loop']),
        )
    ],
}


def test_json_holds_every_number_and_no_nan(tmp_path):
  table = tables.Table('t', 'T', '', ['x'], [[intervals.mean([1.0], 'a')]])
  paths = report.write(RESULTS, [table], [], [], tmp_path)
  names = ['report.json', 'report.md', 'report.html']
  assert [path.name for path in paths] == names

  def refuse(constant):
    raise AssertionError(f'{constant} is not JSON.')

  read = json.loads(paths[0].read_text(), parse_constant=refuse)
  assert read['reconstruction']['scores']['si_snr'] == [None, -3.0]
  assert read['language_models']['coarse']['total']['model'] == 3.25
  assert read['generations'][0]['continuation']['faults'] == ['loop']
  assert read['tables']['t']['rows'][0][0]['num_clips'] == 1


def markdown(results):
  return report.markdown(result_tables.tables(report.to_plain(results)))


def test_markdown_has_the_sections_that_there_are_and_whole_tables():
  text = markdown(RESULTS)
  assert text.count('\n## ') == len(RESULTS)
  for row in ('| 1 | 1.500 | - |', '| coarse | all | 3.250 | 4.500 | 5.000 |'):
    assert row in text
  one = markdown({'abx': RESULTS['abx']})
  assert one.count('\n## ') == 1 and '| MFCC | 0.250 | - | 20 | 0 |' in one


@pytest.mark.parametrize('section', RESULTS)
def test_the_rows_of_a_table_are_as_long_as_its_header(section):
  text = markdown({section: RESULTS[section]})
  rows = [line for line in text.splitlines() if line.startswith('|')]
  widths = {row.replace('\\|', '').count('|') for row in rows}
  assert len(rows) >= 3 and len(widths) == 1


def test_plots_are_drawn(tmp_path, voice):
  plots.reconstruction(RESULTS['reconstruction'], tmp_path / 'a.png')
  plots.language_models(RESULTS['language_models'], tmp_path / 'b.png')
  sounds = [plots.Sound('x', voice, 1.0), plots.Sound('y', voice, 0.0)]
  plots.spectrograms(sounds, 16000, tmp_path / 'c.png')
  rows = [['ours', intervals.mean([1.0, 2.0], 'ab'), 'x'], ['paper', 1.5, 'y']]
  table = tables.Table('t', 'T', '', ['what', 'figure', 'words'], rows)
  plots.intervals(table, tmp_path / 'd.png')
  for name in 'abcd':
    assert (tmp_path / f'{name}.png').read_bytes()[:4] == b'\x89PNG'


def test_a_table_without_figures_is_not_drawn(tmp_path):
  table = tables.Table('t', 'T', '', ['what', 'paper'], [['x', 1.0]])
  plots.intervals(table, tmp_path / 'a.png')
  assert not (tmp_path / 'a.png').exists()
