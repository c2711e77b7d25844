# On a card: bash .gpu/e.sh bases|prompts|chains ... ; state in /tmp/rl stays between calls of one machine.
set -u
G=$PWD/.gpu; H=/tmp/rl; mkdir -p $H/runs $OUT; T=$SECONDS; LIMIT=${LIMIT:-540}
export RLHF_LITE_COMPILE=off PYTHONUNBUFFERED=1 RLHF_LITE_HOME=$H/runs HF_HUB_OFFLINE=1 RLHF_LITE_DEVICE=${DEV:-cuda} OMP_NUM_THREADS=2 PYTHONPATH=$G/stubs:$G/cut
say() { echo "[$((SECONDS-T))] $*"; }
left() { echo $((LIMIT-SECONDS+T)); }
for phase in "$@"; do
  case $phase in
    prompts) for s in 0 1 2 3 4; do timeout $(left) python3 -m rlhf_lite run --only prompts --seed $s > $OUT/prompts-$s.log 2>&1 & done;;
    bases) cd $G; [ -f stream.pt ] || python3 -c "import lzma,shutil; shutil.copyfileobj(lzma.open('stream.pt.xz'),open('stream.pt','wb'))"; say unpacked
      P=""; for j in ${JOBS:-"S_0" "S_1" "S_2"}; do timeout $(left) python3 x2.py ${j/_/ } & P="$P $!"; done; wait $P; say bases;;
    chains) P=""; for s in ${SEEDS:-0 1 2 3 4}; do timeout $(left) python3 -m rlhf_lite run --seed $s --base-seed $((s % 3)) --jobs 2 --archive $H/archives/seed-$s-base-$((s % 3)) > $OUT/chain-$s.log 2>&1 & P="$P $!"; done; wait $P; say chains;;
    pack) cd $H; for s in archives/*; do [ -d $s ] && tar czf $OUT/$(basename $s).tgz $s; done
      tar czf $OUT/runs0.tgz --exclude='*.pt' --exclude='rankings-*' --exclude='prompts-*' runs; ls -la $OUT;;
  esac
done
tail -n 3 $OUT/*.log 2>/dev/null | cut -c1-300; say end
