#!/usr/bin/env bash
# The paper's piano model, all parts from scratch. Its 40,000 hours of piano are
# not public: MAESTRO has 200, and takes whatever recordings you have besides.
#
#   MAESTRO=/data/maestro-v3.0.0 bash launch/piano.sh
#
# Settings, by environment variables:
#   MAESTRO     folder of MAESTRO (required)
#   RECORDINGS  glob of more piano recordings, as '/data/piano/**/*.flac'
#   OUT         gets everything (default: runs/piano)
#   PROMPTS     recordings to continue (default: those in data/prompts); the
#               paper's are of MAESTRO's test split
#   TRAIN       what trains (default: audiolm train). On several hosts:
#               TRAIN='srun --kill-on-bad-exit=0 audiolm train --multiprocess'
#   STEPS       steps of each language model (default: the paper's million)
#   MICROBATCHES  pieces that their batch of 256 is computed in, if memory is
#               short (default: 1)
#
# Run it again after any stop: finished steps are passed over, others go on where
# they were. All is as in launch/speech.sh but for the codec, three levels of
# 2^14 codes, and the fine stage, which there is none of (s. IV-I).
set -euo pipefail
cd "$(dirname "$0")/.."
maestro=${MAESTRO:?the folder of maestro-v3.0.0}
out=${OUT:-runs/piano}
read -ra train <<<"${TRAIN:-audiolm train}"
# A glob: all manifests in the folder are one corpus.
corpus="$out/corpus/*.jsonl"
audio=--gin.MANIFEST="'$corpus'"
tokens=--gin.TOKENS="'$out/tokens'"

# 1. The corpus: nothing is copied. Exit code 1: some files could not be read and
#    are left out, which is fine.
[[ -s $out/corpus/maestro.jsonl ]] ||
    audiolm corpus maestro "$maestro" "$out/corpus/maestro.jsonl" || (($? == 1))
[[ -z ${RECORDINGS:-} || -s $out/corpus/recordings.jsonl ]] ||
    audiolm corpus folder "$RECORDINGS" "$out/corpus/recordings.jsonl" ||
    (($? == 1))

# 2. SoundStream: 16 kHz, 50 Hz, 3 levels of 16,384 codes; EnCodec's batch and
#    steps.
"${train[@]}" --gin_file=gin/soundstream.gin --gin_file=gin/piano.gin "$audio" \
    --gin.MODEL_DIR="'$out/soundstream'" --gin.TRAIN_STEPS=600000

# 3. w2v-BERT XL: batches of 2,048 crops, 400,000 steps.
"${train[@]}" --gin_file=gin/w2v_bert.gin "$audio" \
    --gin.MODEL_DIR="'$out/w2v_bert'"

# 4. Semantic tokens: 1,024 clusters on block 7 of the masked-prediction half.
[[ -s $out/semantic_tokenizer/bundle.json ]] ||
    audiolm cluster --model="$out/w2v_bert" --manifest="$corpus" --layer=7 \
        --num_clusters=1024 --hours=50 --output_dir="$out/semantic_tokenizer"

# 5. Both tokenizers in one folder; from here on they are frozen.
audiolm bundle "$out/soundstream" "$out/semantic_tokenizer" \
    --output_dir="$out/tokenizers"

# 6. Audio to tokens, once. Exit code 1: some clips were left out.
audiolm extract --input="$corpus" --model="$out/tokenizers" \
    --output_dir="$out/tokens" || (($? == 1))

# 7. Two language models: crops of 30 and 10 s, batches of 256, a million steps
#    each. The coarse one makes all three levels.
steps=(
  --gin.TRAIN_STEPS="${STEPS:-1000000}"
  --gin.NUM_MICROBATCHES="${MICROBATCHES:-1}"
)
"${train[@]}" --gin_file=gin/semantic.gin "$tokens" \
    --gin.MODEL_DIR="'$out/semantic'" "${steps[@]}"
"${train[@]}" --gin_file=gin/coarse.gin --gin_file=gin/piano.gin "$tokens" \
    --gin.MODEL_DIR="'$out/coarse'" "${steps[@]}"

# 8. All parts in one folder.
audiolm bundle "$out/tokenizers" "$out/semantic" "$out/coarse" \
    --output_dir="$out/bundle" --manifest="$corpus"

# 9. Prompts of 4 s, continued by 20 s (s. IV-I).
audiolm generate --model="$out/bundle" \
    --prompts="${PROMPTS:-data/prompts/piano_*}" --output_dir="$out/generated" \
    --prompt_seconds=4 --continuation_seconds=20 --temperatures=0.6,0.8,0.6

# 10. How good all of it is, on pieces that it never heard.
audiolm evaluate --model="$out/bundle" --manifest="$corpus" \
    --tokens="$out/tokens" --generations="$out/generated" \
    --output_dir="$out/report" --visqol=audio
