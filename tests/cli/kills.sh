# For scripts that source it, with a seed as $2: gneiss killed at moments that the seed chooses.

seed=${2:-1}
script="$(basename "$0" .sh): seed $seed"

# choose ATTEMPT: prints a number from 0 to 7. Shells have no seeded random numbers.
choose() {
  awk -v seed="$seed" -v attempt="$1" 'BEGIN { srand(seed * 1000 + attempt); print int(rand() * 8) }'
}

# kill_child SIGNAL: ends the process $child, whose exit code is in code.
kill_child() {
  kill "-$1" $child 2>kill.log || :
  code=0
  { wait $child || code=$?; } 2>wait.log # where shells say "Killed"
}
