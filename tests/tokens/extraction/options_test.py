"""What is said to Beam is understood, or refused in one line."""

import pytest
from apache_beam.options.pipeline_options import StandardOptions

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.extraction import options


@pytest.mark.parametrize(
    'given, message',
    [
        (['b.wav'], "'b.wav' is no flag: give --input once for each"),
        (['--runer=SparkRunner'], 'no option --runer=.*did you mean --runner'),
        (['--quux=1'], 'no option --quux=1'),
        (['--direct_num_workers=many'], 'invalid int value'),
        (['--runner=SporkRunner'], '--runner=SporkRunner is no runner'),
        # Spark may have options of its own, but none so like another's.
        (['--runner=SparkRunner', '--job_nme=x'], 'did you mean --job_name'),
    ],
)
def test_what_beam_would_pass_over_is_refused(given, message):
  with pytest.raises(UserError, match=message):
    options.parse(given)


@pytest.mark.parametrize(
    'given, runner',
    [
        ([], 'FnApiRunner'),
        (['--runner=DirectRunner'], 'DirectRunner'),
        (['--runner=SparkRunner', '--own_thing=1'], 'SparkRunner'),
        (['--direct_num_workers', '2'], 'FnApiRunner'),
    ],
)
def test_what_is_right_reaches_beam(given, runner):
  parsed = options.parse(given)
  assert parsed.view_as(StandardOptions).runner == runner
