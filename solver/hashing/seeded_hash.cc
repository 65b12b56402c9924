#include "solver/hashing/seeded_hash.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace gneiss {

HashSeed DrawHashSeed() {
  HashSeed seed;
  if (getentropy(&seed, sizeof seed) != 0) {
    throw std::system_error(errno, std::generic_category(), "random numbers of the system");
  }
  return seed;
}

}  // namespace gneiss
