"""Continues recordings: audio in, a believable continuation of it out.

Examples:
  audiolm generate --prompts='data/prompts/speech_*' --output_dir=out
  audiolm generate me.wav --seconds=20 -o longer.wav
  audiolm generate me.wav friend.mp3 --model=speech --samples_per_prompt=4
  audiolm generate --prompts='*.flac' --model=my_bundle --prompt_seconds=3 \\
      --continuation_seconds=7 --batch_size=16 --seed=1 --output_dir=seed1
  audiolm generate me.wav --continuation_seconds=3600 --nokeep_prompt
  audiolm generate 'clips/*.wav' --temperatures=0.7 --top_p=0.9 --stop_at_end
  audiolm generate 'clips/*.wav' --mode=acoustic_generation --voice=other.wav
  audiolm generate --mode=unconditional --samples_per_prompt=8 --model=piano
  audiolm generate 'clips/*.wav' --num_hosts=4 --host_index=0  # ... 1, 2, 3
  srun audiolm generate 'clips/*.wav' --multiprocess

Modes: `continuation` prolongs the first --prompt_seconds of each file;
`acoustic_generation` keeps what is said or played in the first (prompt +
continuation) seconds and draws a new voice, or takes that of --voice;
`unconditional` needs no prompt. What is longer than a minute is written while
it is made, in memory that does not grow.

Writes WAV files, manifest.jsonl and, for spreadsheets, manifest.csv. The same
seed, prompt and model give the same audio. A run that was killed goes on when
it is started again; what the manifest lists is not made again, and what was
made with another model, seed or setting is refused: give each an --output_dir.
Several hosts share one folder and one plan; the last one writes the manifest.

Exit code 1: some prompts could not be read; 2: a mistake, or a full disk.
"""

from absl import flags

from audiolm_jax.cli import settings, verb

FLAGS = flags.FlagValues()
flags.DEFINE_multi_string(
    'prompts',
    [],
    'Audio files to continue: a path or a glob, ** included; may be repeated.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'model',
    'speech',
    'Bundle: speech, piano, a folder or hf://ORG/NAME.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'output_dir',
    'out',
    'Folder that the WAV files go to; of a single sample, a name that ends in'
    ' .wav is the file itself.',
    short_name='o',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'samples_per_prompt',
    1,
    'Number of samples of each prompt.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'batch_size',
    16,
    'Samples made at the same time; more are faster and need more memory.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'cpu_devices',
    None,
    'Where there is no accelerator: shares of the CPU that the rows of a batch'
    ' are dealt out to; as many as cores if not given, at most 4.',
    lower_bound=1,
    flag_values=FLAGS,
)
settings.define(FLAGS)
flags.DEFINE_alias('seconds', 'continuation_seconds', flag_values=FLAGS)
flags.DEFINE_integer(
    'num_hosts',
    None,
    'Number of hosts that share the work.',
    1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'host_index', None, 'Number of this host, from 0.', 0, flag_values=FLAGS
)
flags.DEFINE_bool(
    'multiprocess',
    False,
    'Takes --num_hosts and --host_index from srun or mpirun.',
    flag_values=FLAGS,
)


def main(argv: list[str]) -> int:
  # Late, so that --help need not wait for JAX. Programs are read from the disk
  # while the rest is imported.
  from audiolm_jax.cli import compilation

  compilation.keep_compiled(f'generate {FLAGS.model}')
  from audiolm_jax.cli.actions import generate

  return generate.main(argv, FLAGS)


def _start(argv: list[str]) -> int:
  from audiolm_jax.cli import cores

  cores.deal_out(FLAGS.cpu_devices)
  return main(argv)


def run() -> None:
  """Entry point."""
  verb.run(_start, FLAGS)


if __name__ == '__main__':
  run()
