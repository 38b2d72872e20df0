#!/usr/bin/env bash
# The whole of AudioLM on two cores in minutes: corpus, codec, semantic tokens,
# three language models, SoundStorm, a bundle, a continuation. It shows that
# everything works; it does not sound good. See bundle.sh for the models that are
# shipped.
#
#   bash launch/tiny.sh [OUT] [STEPS]
#
# OUT gets everything (default: runs/tiny); STEPS is how long each part trains
# (default: 400). Run it again and it goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/tiny}
steps=${2:-400}

train() {  # train PART GIN_FILE BINDING...
  local part=$1 gin_file=$2
  shift 2
  audiolm train --gin_file="$gin_file" --gin_file=gin/tiny.gin \
      --gin.MODEL_DIR="'$out/$part'" --gin.TRAIN_STEPS="$steps" "$@"
}

# A few minutes of two speakers and a piano.
python -m data.shipped.tiny "$out/corpus"
corpus=$out/corpus/manifest.jsonl

# Waveform <-> codes, and waveform -> features.
train soundstream gin/soundstream.gin --gin.MANIFEST="'$corpus'"
train w2v_bert gin/w2v_bert.gin --gin.MANIFEST="'$corpus'"

# Features -> semantic tokens.
audiolm cluster --model="$out/w2v_bert" --manifest="$corpus" \
    --layer=1 --num_clusters=64 --output_dir="$out/semantic_tokenizer"
audiolm bundle "$out/soundstream" "$out/semantic_tokenizer" \
    --output_dir="$out/tokenizers"

# Audio -> token store.
audiolm extract --input="$corpus" --model="$out/tokenizers" \
    --output_dir="$out/tokens" --num_shards=2

# Tokens -> three language models.
for stage in semantic coarse fine; do
  train "$stage" "gin/$stage.gin" --gin.TOKENS="'$out/tokens'"
done

# Tokens -> all acoustic levels at once, in the place of coarse and fine.
train soundstorm gin/soundstorm.gin --gin.TOKENS="'$out/tokens'" \
    --gin.CROP_SECONDS=1.0

# All of it in one folder, and what it makes of a prompt.
audiolm bundle "$out/tokenizers" "$out/semantic" "$out/coarse" "$out/fine" \
    "$out/soundstorm" --output_dir="$out/bundle" --manifest="$corpus"
audiolm generate --model="$out/bundle" --prompts='data/prompts/*.flac' \
    --output_dir="$out/generated" --continuation_seconds=2
