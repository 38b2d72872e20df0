#!/usr/bin/env bash
# Trains the `piano` that is shipped, or the `speech` that was before
# launch/bundle.sh, about two hours on two cores once the corpora are there. Needs an activated .venv with
# pip install -c constraints.txt -e '.[train,eval]' -r data/requirements.txt
#
#   bash launch/small_bundle.sh DOMAIN [OUT]
#
# OUT gets everything (default: runs/small). Both domains share one codec. Run it
# again and it goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
domain=${1:?speech or piano}
out=${2:-runs/small}
run=$out/$domain
case $domain in
  speech) quantizer=cepstral visqol=speech ;;
  piano) quantizer=pitch visqol=audio ;;
  *) echo "$domain is neither speech nor piano" >&2; exit 2 ;;
esac

train() {  # train FOLDER GIN_FILE STEPS BATCH_SIZE CROP_SECONDS BINDING...
  local folder=$1 gin_file=$2
  audiolm train --gin_file="$gin_file" --gin_file=gin/small.gin \
      --gin.MODEL_DIR="'$folder'" --gin.TRAIN_STEPS="$3" \
      --gin.BATCH_SIZE="$4" --gin.CROP_SECONDS="$5" "${@:6}"
}

python -m data.shipped.speech "$out/corpora/speech" --kokoro_minutes=8
python -m data.shipped.piano "$out/corpora/piano" --hours=10
corpus=$out/corpora/$domain/manifest.jsonl

audio=--gin.MANIFEST="'$out/corpora/*/manifest.jsonl'"
train "$out/soundstream" gin/soundstream.gin 8000 8 0.5 "$audio" \
    --gin.LEARNING_RATE=2e-3
# The decoder against discriminators; the tokens stay.
train "$out/decoder" gin/soundstream.gin 5000 4 0.5 "$audio" \
    --gin_file=gin/decoder.gin --gin.INITIAL_MODEL="'$out/soundstream'" \
    --gin.INITIAL_PART=None --gin.LEARNING_RATE=5e-4

train "$run/w2v_bert" gin/w2v_bert.gin 2500 8 4.0 \
    --gin.MANIFEST="'$corpus'" --gin.LEARNING_RATE=2e-3 \
    --gin_bindings=optimizers.adam.weight_decay=0.01 \
    --gin_bindings="w2v_bert.W2vBert.quantizer='$quantizer'"
audiolm cluster --model="$run/w2v_bert" --manifest="$corpus" --layer=2 \
    --num_clusters=256 --hours=3 --output_dir="$run/semantic_tokenizer"
audiolm bundle "$out/decoder" "$run/semantic_tokenizer" \
    --output_dir="$run/tokenizers"
audiolm extract --input="$corpus" --model="$run/tokenizers" \
    --output_dir="$run/tokens"

tokens=--gin.TOKENS="'$run/tokens'"
train "$run/semantic" gin/semantic.gin 1400 16 10.0 "$tokens" \
    --gin.LEARNING_RATE=2e-3 --gin_bindings=transformer.Transformer.dropout_rate=0.1
train "$run/coarse" gin/coarse.gin 1200 4 4.0 "$tokens" --gin.LEARNING_RATE=2e-3
train "$run/fine" gin/fine.gin 1500 4 1.5 "$tokens" --gin.LEARNING_RATE=3e-3
train "$run/soundstorm" gin/soundstorm.gin 1200 5 8.0 "$tokens" \
    --gin.SHORTEST_SECONDS=5.0 --gin.LEARNING_RATE=3e-3

# What AudioLM is compared with on piano; a bundle of its own.
if [ "$domain" = piano ]; then
  train "$run/acoustic_only" gin/acoustic_only.gin 1200 4 4.0 "$tokens" \
      --gin.LEARNING_RATE=2e-3
  audiolm bundle "$run/acoustic_only" --manifest="$corpus" \
      --output_dir="$run/bundle_acoustic_only"
fi

bundle() {  # bundle FLAG...
  audiolm bundle "$run/tokenizers" "$run/semantic" "$run/coarse" "$run/fine" \
      "$run/soundstorm" --manifest="$out/corpora/*/manifest.jsonl" \
      --output_dir="$run/bundle" "$@"
}

# The model card ends with what the bundle measures.
bundle
audiolm evaluate --model="$run/bundle" --manifest="$corpus" \
    --tokens="$run/tokens" --output_dir="$run/report" --visqol=$visqol \
    --sections=tokenizers,language_models
bundle --notes="$run/report/report.md"
