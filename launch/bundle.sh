#!/usr/bin/env bash
# Trains a bundle one can understand: `speech` or `piano`, about a day on two
# cores. Needs an activated .venv with
# pip install -c constraints.txt -e '.[train,eval,recogniser]' \
#     -r data/requirements.txt
#
#   bash launch/bundle.sh DOMAIN [OUT]
#
# OUT gets everything (default: runs/bundle). Run it again after any stop: steps
# that are finished are passed over, others go on where they were. What was tried
# on the way, and what it measured, is in docs/training_log.md. Hours are those
# of two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
domain=${1:?speech or piano}
out=${2:-runs/bundle}
run=$out/$domain
corpora=$out/corpora
case $domain in
  speech) visqol=speech ;;
  piano) visqol=audio ;;
  *) echo "$domain is neither speech nor piano" >&2; exit 2 ;;
esac
corpus=$corpora/$domain/manifest.jsonl
audio=--gin.MANIFEST="'$corpus'"
step=soundstream_train_step.SoundStreamTrainStep

# A core for each half of a batch: twice as fast as threads within a product.
export XLA_FLAGS="--xla_force_host_platform_device_count=2 \
--xla_cpu_multi_thread_eigen=false ${XLA_FLAGS:-}"

train() {  # train FOLDER GIN_FILE STEPS BATCH_SIZE CROP_SECONDS FLAG...
  local folder=$1 gin_file=$2
  audiolm train --gin_file="$gin_file" --gin_file=gin/small.gin \
      --gin_file=gin/bundle.gin --gin.MODEL_DIR="'$folder'" \
      --gin.TRAIN_STEPS="$3" --gin.BATCH_SIZE="$4" --gin.CROP_SECONDS="$5" \
      "${@:6}"
}

# 1. Corpora, 3.5 h for the speech and minutes for the piano. The manifest of the
#    speech grows while it is built: trainings may begin before.
case $domain in
  speech) python -m data.shipped.speech "$corpora/speech" --kokoro_minutes=900 \
      --min_seconds=2 ;;
  piano) python -m data.shipped.piano "$corpora/piano" --hours=20 ;;
esac

#    The models above the tokenizers hear recordings of 30 s, since those that hear
#    clips of a few seconds fall silent after as many, and each voice at several
#    speeds, as further speakers. A silent clip among them is named and left out.
tokens=$run/tokens
case $domain in
  speech)
    heard=$corpora/long/manifest.jsonl
    voiceless=$run/voiceless
    [ -f "$heard" ] || audiolm corpus join "$corpus" "$heard" --seconds=30 \
        --speeds=1,0.9,0.94,1.06,1.1 || [ $? = 1 ]
    ;;
  piano) heard=$corpus voiceless=$tokens ;;
esac

# 2. The codec, 2.5 h: 12 levels of 1024 codes at 25 Hz. Then its encoder and its
#    codebooks are frozen, and the decoder learns on for as long. The rate stays
#    level to the end: what is used is the average of the last thousand steps,
#    and that sounds better than a descent (docs/training_log.md).
level=--gin_bindings=optimizers.trapezoid.decay_fraction=0.0
train "$run/codec" gin/soundstream.gin 25000 16 1.0 "$audio" \
    --gin_file=gin/spectral.gin --gin_file=gin/trapezoid.gin \
    --gin_file=gin/augment.gin --gin.LEARNING_RATE=1.5e-3 "$level"
train "$run/decoder" gin/soundstream.gin 35000 16 1.0 "$audio" \
    --gin_file=gin/spectral.gin --gin_file=gin/trapezoid.gin \
    --gin_file=gin/finetune.gin --gin.INITIAL_MODEL="'$run/codec'" \
    --gin.INITIAL_PART=None --gin.LEARNING_RATE=1.5e-3 "$level" \
    --gin_bindings=$step.decoder_only=True --gin_bindings=$step.quantize_from=0
python -m bench.copies --model="$run/decoder" --manifest="$corpus"

# 3. Semantic tokens, 1.5 h: 50 a second, 512 different ones.
audiolm train --gin_file=gin/semantic_vq.gin "$audio" \
    --gin.MODEL_DIR="'$run/semantic_tokenizer'" --gin.TRAIN_STEPS=20000
# Rounded before tokens are extracted, so that the tokens stay.
audiolm bundle "$run/decoder" "$run/semantic_tokenizer" \
    --int8=acoustic_tokenizer,semantic_tokenizer --output_dir="$run/tokenizers"
audiolm extract --input="$heard" --model="$run/tokenizers" \
    --output_dir="$tokens"
# What SoundStorm hears: semantic tokens that do not tell whose voice it is, or it
# would take the voice from them and pass over the prompt.
[ "$voiceless" = "$tokens" ] || audiolm extract --input="$heard" \
    --model="$run/tokenizers" --output_dir="$voiceless" \
    --semantic_speeds=0.85,0.89,0.93,1.08,1.13,1.18

# 4. SoundStorm, 4 h. If speech of true semantic tokens is not understood after
#    the first hour, the tokens are at fault or it is; more hours will not help. Of
#    speech it makes six levels: the others are guesses, and sound worse than none.
[ "$domain" = speech ] && levels=6 || levels=None
train "$run/soundstorm" gin/soundstorm.gin 40000 16 8.0 \
    --gin.TOKENS="'$voiceless'" --gin.NUM_LEVELS=$levels \
    --gin_file=gin/trapezoid.gin --gin.SHORTEST_SECONDS=4.0

# 5. The stages, 5 h.
stage=--gin.TOKENS="'$tokens'"
train "$run/semantic" gin/semantic.gin 20000 16 10.0 "$stage" \
    --gin_bindings=transformer.Transformer.dropout_rate=0.1
train "$run/coarse" gin/coarse.gin 20000 8 5.0 "$stage"
train "$run/fine" gin/fine.gin 10000 8 1.5 "$stage"

# 6. All parts in one folder; the model card ends with what it measures.
bundle() {  # bundle FLAG...
  audiolm bundle "$run/tokenizers" "$run/semantic" "$run/coarse" "$run/fine" \
      "$run/soundstorm" --manifest="$corpus" --output_dir="$run/bundle" \
      --int8=acoustic_tokenizer,semantic_tokenizer,semantic,coarse,fine,soundstorm \
      --temperatures=semantic=0.9,soundstorm=0.6 \
      "$@"
}
bundle
audiolm evaluate --model="$run/bundle" --manifest="$corpus" \
    --tokens="$tokens" --output_dir="$run/report" --visqol=$visqol \
    --sections=tokenizers,language_models,recognition
bundle --notes="$run/report/report.md"
