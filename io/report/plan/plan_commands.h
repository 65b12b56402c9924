// What a team runs that carries a plan out with the tools it has: crane, buildah or docker, skopeo;
// and for layers that no Dockerfile makes, `gneiss apply` and `gneiss verify`.
//
// Refs and instructions are untrusted: in commands they are quoted, and only what is a ref by its
// grammar gets there; in comments they are made printable, so each stays on its line. No command
// takes the place of an image: results get tags or registries of their own.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "planner/plan/plan.h"

namespace gneiss {

// One line of a script.
struct ScriptLine {
  bool is_comment = true;  // what it says is for people, or a command that lacks something
  std::string text;        // without the '#'
};

// How one recommendation is carried out. Lines of Dockerfiles, and commands that need their
// directory, are comments. REQUIRES: `r` is one of `plan`, made of `fleet`.
[[nodiscard]] std::vector<ScriptLine> CommandsOf(const Fleet& fleet, const Plan& plan,
                                                 const Recommendation& r);

struct PlanScript {
  std::vector<std::string> sources;  // as on the command line
  std::string store_options;         // " --store DIR" and the like, quoted; empty: the default one
  // Of a fleet of one layout LoadedFleet::repositories: what `apply` writes has their tags alone.
  std::vector<std::string> repositories;
};

// A POSIX shell script: for every recommendation, the first one first, its saving and its commands;
// at the end the commands that write, prove and push the level that costs least, with those of the
// other levels as comments.
void PrintPlanCommands(const Fleet& fleet, const Plan& plan, const PlanScript& script,
                       std::ostream& out);

}  // namespace gneiss
