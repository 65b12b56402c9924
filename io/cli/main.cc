#include "io/cli/command.h"

int main(int argc, char** argv) { return gneiss::RunCommand(argc, argv); }
