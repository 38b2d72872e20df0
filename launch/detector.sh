#!/usr/bin/env bash
# Trains what `audiolm detect` comes with: the detector of a bundle's
# continuations and the speaker classifier, about an hour on two cores. Needs an
# activated .venv with
# pip install -c constraints.txt -e '.[train,eval]' -r data/requirements.txt
#
#   bash launch/detector.sh MANIFEST [OUT]
#
# MANIFEST is of speech, or a glob of several manifests; data.shipped.speech makes
# one. PIANO is a manifest of pieces, which join the music that is no speech.
# OUT gets everything (default: runs/detector). MODEL names another bundle than
# `speech`; TEST_SPEAKERS and DEV_SPEAKERS, joined by commas, who is held out;
# CLIPS_PER_SPEAKER how many clips of each are continued.
# Run it again and it goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
manifest=${1:?a manifest of speech}
out=${2:-runs/detector}
model=${MODEL:-speech}
held_out=it_IT_m_Carlo,ru_RU_f_IvrvoiceRU,af_nova,am_michael,bf_emma,bm_fable
held_out+=,af_nova+am_michael,af_nova+bf_emma,am_michael+bm_fable,bf_emma+bm_fable
test_speakers=${TEST_SPEAKERS-$held_out}
dev_speakers=${DEV_SPEAKERS-af_sarah,bm_daniel}

train() {  # train FOLDER GIN_FILE MANIFEST STEPS BINDING...
  audiolm train --gin_file="$2" --gin_file=gin/small.gin \
      --gin.MODEL_DIR="'$1'" --gin.MANIFEST="'$3'" --gin.TRAIN_STEPS="$4" \
      --gin.BATCH_SIZE=32 --gin.LEARNING_RATE=2e-3 "${@:5}"
}

python -m data.shipped.detector_clips "$out/clips" --model="$model" \
    --manifest="$manifest" --test_speakers="$test_speakers" \
    --dev_speakers="$dev_speakers" --clips_per_speaker="${CLIPS_PER_SPEAKER:-5}"
python -m data.shipped.other_sounds "$out/other" \
    ${PIANO:+--piano="$PIANO"}
train "$out/run" gin/detector.gin "$out/*/manifest.jsonl" 2200
audiolm bundle "$out/run" --output_dir="$out/bundle" \
    --manifest="$out/*/manifest.jsonl"
python -m launch.detector_report "$out/report" --model="$out/bundle" \
    --manifest="$out/*/manifest.jsonl"
audiolm bundle "$out/run" --output_dir="$out/bundle" \
    --manifest="$out/*/manifest.jsonl" --notes="$out/report/report.md"

python -m data.shipped.closed_set "$manifest" "$out/speakers.jsonl"
train "$out/speakers_run" gin/speaker_classifier.gin "$out/speakers.jsonl" 1500
audiolm bundle "$out/speakers_run" --output_dir="$out/speakers_bundle" \
    --manifest="$out/speakers.jsonl"
audiolm evaluate --model="$model" --manifest="$out/speakers.jsonl" \
    --split=test --sections=continuations --speakers="$out/speakers_bundle" \
    --detector="$out/bundle" --num_prompts=64 --samples_per_prompt=1 \
    --output_dir="$out/speakers_report"
