#!/usr/bin/env bash
# Trains the `piano` that is shipped, about two hours on two cores, and then the
# stages that it lacks so far: a day more. Needs an activated .venv with
# pip install -c constraints.txt -e '.[train,eval]' -r data/requirements.txt
#
#   bash launch/piano_bundle.sh [OUT]
#
# OUT gets everything (default: runs/piano_bundle). Run it again and it goes on
# where it stopped. What each step measured is in docs/training_log.md.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/piano_bundle}
corpus=$out/corpus/manifest.jsonl

train() {  # train FOLDER GIN_FILE STEPS BATCH_SIZE CROP_SECONDS FLAG...
  local folder=$1 gin_file=$2
  audiolm train --gin_file="$gin_file" --gin_file=gin/small.gin \
      --gin.MODEL_DIR="'$folder'" --gin.TRAIN_STEPS="$3" \
      --gin.BATCH_SIZE="$4" --gin.CROP_SECONDS="$5" "${@:6}"
}

python -m data.shipped.piano "$out/corpus" --hours=10
audio=--gin.MANIFEST="'$corpus'"

# The codec: 12 levels of 1024 codes at 25 Hz, at a level rate.
train "$out/codec" gin/soundstream.gin 1714 16 1.0 "$audio" \
    --gin_file=gin/spectral.gin --gin_file=gin/trapezoid.gin \
    --gin.LEARNING_RATE=1.5e-3 \
    --gin_bindings=optimizers.trapezoid.decay_fraction=0.0

# Semantic tokens: 25 a second, 256 different ones.
train "$out/w2v_bert" gin/w2v_bert.gin 2500 8 4.0 "$audio" \
    --gin.LEARNING_RATE=2e-3 \
    --gin_bindings=optimizers.adam.weight_decay=0.01 \
    --gin_bindings="w2v_bert.W2vBert.quantizer='pitch'"
audiolm cluster --model="$out/w2v_bert" --manifest="$corpus" --layer=2 \
    --num_clusters=256 --hours=3 --output_dir="$out/semantic_tokenizer"

# Rounded before tokens are extracted, so that the tokens stay.
audiolm bundle "$out/codec" "$out/semantic_tokenizer" \
    --int8=acoustic_tokenizer,semantic_tokenizer --output_dir="$out/tokenizers"
audiolm extract --input="$corpus" --model="$out/tokenizers" \
    --output_dir="$out/tokens"
tokens=--gin.TOKENS="'$out/tokens'"

# SoundStorm, between the sizes of gin/small.gin and gin/bundle.gin.
width=soundstorm.SoundStorm
train "$out/soundstorm" gin/soundstorm.gin 1400 8 8.0 "$tokens" \
    --gin_file=gin/bundle.gin --gin_file=gin/trapezoid.gin \
    --gin.LEARNING_RATE=2e-3 \
    --gin.SHORTEST_SECONDS=4.0 --gin_bindings=$width.embed_dim=192 \
    --gin_bindings=$width.mlp_dim=576 --gin_bindings=$width.num_heads=3 \
    --gin_bindings=soundstorm_train_step.SoundStormTrainStep.ema_decay=0.99 \
    --gin_bindings=optimizers.trapezoid.decay_fraction=0.25

train "$out/semantic" gin/semantic.gin 2000 16 10.0 "$tokens" \
    --gin.LEARNING_RATE=2e-3 \
    --gin_bindings=transformer.Transformer.dropout_rate=0.1

# What is shipped ends here.
parts=acoustic_tokenizer,semantic_tokenizer,semantic,soundstorm
bundle() {  # bundle PART_FOLDER|FLAG...
  audiolm bundle "$out/tokenizers" "$out/semantic" "$out/soundstorm" "$@" \
      --manifest="$corpus" --temperatures=semantic=0.9,soundstorm=0.8
}
bundle --int8=$parts --output_dir="$out/shipped"

# The stages in SoundStorm's place, three coarse levels. After 400 steps they were
# no better than unigrams; how many they need was not tried.
three() {  # three NAME STEPS BATCH_SIZE CROP_SECONDS
  train "$out/$1" "gin/$1.gin" "$2" "$3" "$4" "$tokens" \
      --gin.LEARNING_RATE=2e-3 --gin_bindings="stages.$1.num_coarse=3"
}
three coarse 20000 8 5.0
three fine 10000 8 1.5
# What AudioLM is compared with on piano; a bundle of its own.
three acoustic_only 20000 8 5.0

audiolm bundle "$out/acoustic_only" --manifest="$corpus" --int8=acoustic_only \
    --output_dir="$out/bundle_acoustic_only"

# All parts in one folder; the model card ends with what it measures.
whole() {  # whole FLAG...
  bundle "$out/coarse" "$out/fine" --int8=$parts,coarse,fine \
      --output_dir="$out/bundle" "$@"
}
whole
audiolm evaluate --model="$out/bundle" --manifest="$corpus" \
    --tokens="$out/tokens" --output_dir="$out/report" --visqol=audio \
    --prompt_seconds=4 --acoustic_only="$out/bundle_acoustic_only"
whole --notes="$out/report/report.md"
