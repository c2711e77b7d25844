set -u
G=$PWD/.gpu; mkdir -p $G/runs $OUT; T=$SECONDS
export RLHF_LITE_COMPILE=off PYTHONUNBUFFERED=1 RLHF_LITE_HOME=$G/runs HF_HUB_OFFLINE=1 RLHF_LITE_DEVICE=${DEV:-cuda} OMP_NUM_THREADS=2 PYTHONPATH=$G/cut
cd $G; python3 -c "import lzma,shutil; shutil.copyfileobj(lzma.open('stream.pt.xz'),open('stream.pt','wb'))" && ls -la stream.pt; echo unpacked $((SECONDS-T))
for j in "S 0" "S 1" "S 2" "S 100" "M 0"; do timeout $((LIMIT-SECONDS+T)) python3 x2.py $j > $OUT/log-${j/ /-}.txt 2>&1 & done
wait; cat $OUT/log-*.txt; mv $OUT/log-S-0.txt $OUT/a.txt; rm -f $OUT/log-*; echo end $((SECONDS-T)); ls -la $OUT
