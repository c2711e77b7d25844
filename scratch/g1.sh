set -u
R=$PWD; G=$R/.gpu; mkdir -p $G/runs $OUT
export RLHF_LITE_COMPILE=off PYTHONUNBUFFERED=1 RLHF_LITE_HOME=$G/runs TYPED=$G/typed HF_HUB_OFFLINE=1 RLHF_LITE_DEVICE=cuda
DEV=${DEV:-cuda}; [ $DEV = cpu ] && export RLHF_LITE_DEVICE=cpu
T=$SECONDS; say() { echo "[$((SECONDS-T))] $*"; }
[ $DEV = cuda ] && nvidia-smi --query-gpu=name,memory.total --format=csv,noheader
cd $G
X() { env OMP_NUM_THREADS=${TH:-2} PYTHONPATH=$G/cut timeout $((545-SECONDS+T)) python3 x.py "$@" > $OUT/"$(echo $* | tr ' =/.' '____' | cut -c1-60)".log 2>&1 || echo "FAILED $*"; say "$*"; }
X stages b32 prompts &
for b in ${BASES:-b32 b64 hot adam M}; do X base $b & done
sleep 2
if [ $DEV = cuda ]; then (cd $G/cut && PYTHONPATH=$G/cut timeout 110 python3 -m tools.gpu_bench $OUT/bench.json --seconds 48 2>&1 | grep -o "^\[.*ms': [0-9.]*" | cut -c1-120); say bench; fi
for b in ${CHAINS:-b32}; do
  while ! grep -qs "base $b\"" $OUT/found.jsonl; do sleep 0.5; [ $((SECONDS-T)) -gt 400 ] && break; done
  ( TH=4 X stages $b sft start; TH=4 X stages $b rankings; ) &
  C="${C:-} $!"
done
wait $C
b=${FIRST:-b32}
TH=2 X stages $b reward
for p in "k10 ppo_ptx.kl_beta=.1" "k20 ppo_ptx.kl_beta=.2" "k30 ppo_ptx.kl_beta=.3" "k45 ppo_ptx.kl_beta=.45" "long ppo_ptx.kl_beta=.3 ppo_ptx.episodes=14336" "long45 ppo_ptx.kl_beta=.45 ppo_ptx.episodes=14336"; do
  set -- $p; tag=$1; shift
  TH=2 X ppo $b $tag ppo_ptx "$@" &
done
TH=2 X ppo $b plain ppo &
TH=2 X rm $b $b lr3 lr=3e-4 &
TH=2 X rm $b $b lr3e2 lr=4e-4 epochs=2 &
TH=2 X rm $b $b lr1 lr=1e-3 &
wait
cd $G && tar czf $OUT/runs.tgz --exclude='*.pt' runs; cp -r $OUT/*.json* /dev/null 2>/dev/null; tar czf $OUT/logs.tgz -C $OUT $(cd $OUT; ls | grep -v tgz); ls -la $OUT | head -60; say end
