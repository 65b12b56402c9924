// --scope, for every command that accounts for storage.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace gneiss {

// A wrong word is a usage error that lists the right ones. ParseScope(scope) holds a value
// afterwards. `scope` must outlive the parsing; its value before is the default.
void AddScopeOption(CLI::App& app, std::string& scope);

}  // namespace gneiss
