#!/usr/bin/env bash
# The paper's speech model: Libri-Light's 60,000 hours, all parts from scratch.
#
#   LIBRILIGHT=/data/unlab-60k bash launch/speech.sh
#
# Settings, by environment variables:
#   LIBRILIGHT  folder of unlab-60k, or of small or medium (required)
#   OUT         gets everything (default: runs/speech)
#   PROMPTS     recordings to continue (default: those in data/prompts)
#   TRAIN       what trains (default: audiolm train). On several hosts:
#               TRAIN='srun --kill-on-bad-exit=0 audiolm train --multiprocess'
#   STEPS       steps of each language model (default: the paper's million)
#   MICROBATCHES  pieces that their batch of 256 is computed in, if memory is
#               short (default: 1)
#
# Run it again after any stop: finished steps are passed over, others go on where
# they were. The paper trained each language model on 16 TPU v4; see
# docs/launching.md for ways to send a single step to a pod. Numbers are the
# paper's (s. IV-A, IV-B) where no other source is named.
set -euo pipefail
cd "$(dirname "$0")/.."
librilight=${LIBRILIGHT:?the folder of unlab-60k}
out=${OUT:-runs/speech}
read -ra train <<<"${TRAIN:-audiolm train}"
corpus=$out/corpus/manifest.jsonl
audio=--gin.MANIFEST="'$corpus'"
tokens=--gin.TOKENS="'$out/tokens'"

# 1. The corpus: nothing is copied. Exit code 1: some files could not be read and
#    are left out, which is fine.
[[ -s $corpus ]] ||
    audiolm corpus librilight "$librilight" "$corpus" || (($? == 1))

# 2. SoundStream: 16 kHz, 50 Hz, 12 levels of 1024 codes. The paper gives neither
#    batch nor steps; these are EnCodec's, 300 epochs of 2,000 batches of 64.
"${train[@]}" --gin_file=gin/soundstream.gin "$audio" \
    --gin.MODEL_DIR="'$out/soundstream'" --gin.TRAIN_STEPS=600000

# 3. w2v-BERT XL: batches of 2,048 crops, 400,000 steps.
"${train[@]}" --gin_file=gin/w2v_bert.gin "$audio" \
    --gin.MODEL_DIR="'$out/w2v_bert'"

# 4. Semantic tokens: k-means with 1,024 clusters on block 7 of the
#    masked-prediction half. The paper clusters all of the audio; 50 hours are
#    4.5 million frames, 18 GB of memory. `audiolm choose-layer` compares blocks.
[[ -s $out/semantic_tokenizer/bundle.json ]] ||
    audiolm cluster --model="$out/w2v_bert" --manifest="$corpus" --layer=7 \
        --num_clusters=1024 --hours=50 --output_dir="$out/semantic_tokenizer"

# 5. Both tokenizers in one folder; from here on they are frozen.
audiolm bundle "$out/soundstream" "$out/semantic_tokenizer" \
    --output_dir="$out/tokenizers"

# 6. Audio to tokens, once. Apache Beam spreads it over a cluster: put its options
#    behind `--`. Exit code 1: some clips were left out.
audiolm extract --input="$corpus" --model="$out/tokenizers" \
    --output_dir="$out/tokens" || (($? == 1))

# 7. Three language models: crops of 30, 10 and 3 s, batches of 256, a million
#    steps each. They do not wait for each other: three machines may train them.
for stage in semantic coarse fine; do
  "${train[@]}" --gin_file="gin/$stage.gin" "$tokens" \
      --gin.MODEL_DIR="'$out/$stage'" --gin.TRAIN_STEPS="${STEPS:-1000000}" \
      --gin.NUM_MICROBATCHES="${MICROBATCHES:-1}"
done

# 8. All parts in one folder.
audiolm bundle "$out/tokenizers" "$out/semantic" "$out/coarse" "$out/fine" \
    --output_dir="$out/bundle" --manifest="$corpus"

# 9. Prompts of 3 s, three continuations of 7 s each, temperatures 0.6, 0.8, 0.6
#    (s. IV-F).
audiolm generate --model="$out/bundle" \
    --prompts="${PROMPTS:-data/prompts/speech_*}" --output_dir="$out/generated" \
    --prompt_seconds=3 --continuation_seconds=7 --samples_per_prompt=3 \
    --temperatures=0.6,0.8,0.6

# 10. How good all of it is: tokenizers, language models, what was generated.
audiolm evaluate --model="$out/bundle" --manifest="$corpus" \
    --tokens="$out/tokens" --generations="$out/generated" \
    --output_dir="$out/report" --visqol=speech
