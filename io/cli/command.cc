#include "io/cli/command.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <ios>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/bytes/interrupt.h"
#include "io/cli/commands/commands.h"
#include "io/cli/completion.h"
#include "io/cli/options/scope_option.h"
#include "io/cli/terminal/console.h"
#include "io/text/screen_text.h"
#include "io/text/suggestion.h"
#include "planner/fleet/bytes.h"

#ifndef GNEISS_VERSION
#define GNEISS_VERSION "0.1.0"
#endif

namespace gneiss {
namespace {

ValueKind KindOfValue(const OptionShape& option) {
  if (option.value.empty()) return ValueKind::kFlag;
  if (!option.words.empty()) return ValueKind::kWords;
  if (option.value == "FILE" || option.value == "PLAN" || option.value == "EVENTS") {
    return ValueKind::kFile;
  }
  if (option.value == "DIR" || option.value == "oci:DIR") return ValueKind::kDirectory;
  if (option.value.starts_with("SOURCE") || option.value == "SERIES...") return ValueKind::kSource;
  return ValueKind::kOther;
}

OptionShape ShapeOf(CLI::Option& option) {
  OptionShape shape;
  shape.description = option.get_description();
  shape.words = WordsOf(option);
  if (!option.get_positional()) {
    for (const std::string& name : option.get_snames()) shape.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) shape.names.push_back("--" + name);
  }
  if (option.get_items_expected_max() > 0) shape.value = option.get_type_name();
  shape.kind = KindOfValue(shape);
  return shape;
}

}  // namespace

std::vector<CommandShape> CommandShapes() {
  std::vector<CommandShape> shapes;
  for (const Command& command : Commands()) {
    CLI::App app;
    app.set_help_flag("-h,--help", "this text");
    // Holds the variables behind the options.
    const CommandBody body = command.configure(app);
    CommandShape shape{
        .name = command.name, .summary = command.summary, .example = command.example};
    for (CLI::Option* const option : app.get_options()) {
      OptionShape of_option = ShapeOf(*option);
      (of_option.names.empty() ? shape.positionals : shape.options).push_back(std::move(of_option));
    }
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kDescriptionColumn = 26;

// `text` broken at spaces so that no line passes kColumns; later lines start at `indent`, as the
// first does already.
std::string Wrapped(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (column > indent && column + 1 + word.size() > kColumns) {
      out.append("\n").append(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out += ' ';
      ++column;
    }
    out.append(word);
    column += word.size();
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return out;
}

// "-o, --output FILE", or the name of a positional.
std::string NamesOf(const CLI::Option& option) {
  if (option.get_positional()) return option.get_type_name();
  std::string names;
  for (const std::string& name : option.get_snames()) names += "-" + name + ", ";
  for (const std::string& name : option.get_lnames()) names += "--" + name + ", ";
  names.resize(names.size() - 2);
  if (option.get_items_expected_max() > 0) names += " " + option.get_type_name();
  return names;
}

std::string Described(const CLI::Option& option) {
  std::string line = "  " + NamesOf(option);
  if (line.size() + 2 > kDescriptionColumn) {
    line.append("\n").append(kDescriptionColumn, ' ');
  } else {
    line.resize(kDescriptionColumn, ' ');
  }
  return line + Wrapped(option.get_description(), kDescriptionColumn) + "\n";
}

}  // namespace

std::string HelpText(const Command& command, const CLI::App& app) {
  std::string positionals;
  std::string options;
  std::string usage = fmt::format("gneiss {} [OPTIONS]", command.name);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      usage += " " + option->get_type_name();
      positionals += Described(*option);
    } else {
      options += Described(*option);
    }
  }
  return fmt::format("gneiss {}: {}\n\nUsage: {}\n\n{}\nOptions:\n{}\nExample:\n  gneiss {}\n",
                     command.name, command.summary, usage, positionals, options, command.example);
}

namespace {

constexpr std::array<Command, 20> kCommands = {{
    {"plan", "squash, common bases, carved layers: what to do first, with a proof",
     "plan oci:layout --max-layers 20 --pin 'debian:*' -o plan.json", ConfigurePlan},
    {"explain", "one recommendation of a plan in full", "explain S1 oci:layout --max-layers 20",
     ConfigureExplain},
    {"apply", "carry a plan out: the same images with the planned layers, as a new layout",
     "apply plan.json --from oci:layout --to oci:planned --level carve", ConfigureApply},
    {"stat", "what the fleet holds, who shares it, who pays for it",
     "stat fleet.ndjson.gz --scope ecr --top 10", ConfigureStat},
    {"diff", "what came, went and grew between two fleets or two plans, and why",
     "diff last-week.ndjson.zst registry://registry.example.org --top 10", ConfigureDiff},
    {"check", "whether the fleet keeps to a policy: budgets, bases, secrets; for CI",
     "check --policy policy.json --baseline last-week.ndjson oci:layout", ConfigureCheck},
    {"tree", "the layers of all images as one tree, with sizes and sharing",
     "tree oci:layout --min-size 10MB", ConfigureTree},
    {"graph", "the sharing graph or the tree for other programs: DOT, GraphML, JSON",
     "graph fleet.ndjson --format graphml --min-shared 2 -o fleet.graphml", ConfigureGraph},
    {"scan", "what is in the layers: fills the store of inventories",
     "scan oci:layout --jobs 8 --store /srv/inventories", ConfigureScan},
    {"waste", "bytes that no image sees or needs, what caused them, what to write instead",
     "waste oci:layout --by repository --dive", ConfigureWaste},
    {"whatif", "delete, add or rebase images: exact bytes, before it is done",
     "whatif oci:layout --free 20GB --keep 'prod/*'", ConfigureWhatif},
    {"report", "the whole as one page, Markdown, CSV or Prometheus text; or one for each team",
     "report oci:layout --format html -o fleet.html", ConfigureReport},
    {"history", "one image, layer by layer: who shares it, what of it is hidden or not needed",
     "history web/shop:1.4 oci:layout", ConfigureHistory},
    {"files", "what an image shows path by path, and the layer of each; what is hidden; mtree",
     "files web/shop:1.4 oci:layout --path etc --sort size --top 20", ConfigureFiles},
    {"replay", "what a registry stored and moved as its tags did, and would have with a plan",
     "replay events.ndjson history.ndjson.zst --plan-at 2017-06", ConfigureReplay},
    {"forecast", "how fast a registry grows, when it reaches a quota, and what that costs",
     "forecast replay.json --quota 2TB --storage-price 0.10", ConfigureForecast},
    {"snapshot", "the fleet as one file, for batch jobs and to pass on, without contents",
     "snapshot oci:layout docker-archive:more.tar -o fleet.ndjson.zst", ConfigureSnapshot},
    {"verify", "two fleets, or two images, hold the same file systems: every path and byte",
     "verify oci:before oci:after", ConfigureVerify},
    {"completion", "what a shell needs to complete commands, options and files",
     "completion bash -o ~/.local/share/bash-completion/completions/gneiss", ConfigureCompletion},
    {"man", "manual pages, as man reads them", "man plan -o gneiss-plan.1", ConfigureMan},
}};

constexpr std::string_view kAbout =
    "gneiss plans the layers of a whole fleet of container images: what is shared, what could be,\n"
    "and how far that is from the best possible.";

// More is no text of ours, but what an input says.
constexpr std::size_t kMaxLineColumns = 4000;

// A mistake on the command line, as one line. CLI11 ends some messages with a line break.
std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) line += c == '\n' ? ' ' : c;
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return CutEnd(Printable(line), kMaxLineColumns);
}

int FailUsage(Console& console, std::string_view command, std::string_view problem) {
  const std::string name = command.empty() ? "gneiss" : fmt::format("gneiss {}", command);
  const std::string_view joint = problem.ends_with('?') ? " See" : "; see";
  *console.err << fmt::format("{}: {}{} `{} --help`\n", name, problem, joint, name);
  return kUsage;
}

int FailUnknownCommand(Console& console, std::string_view name) {
  std::vector<std::string> names;
  for (const Command& command : kCommands) names.emplace_back(command.name);
  const std::string nearest = NearestWord(name, names);
  std::string problem = fmt::format("unknown command \"{}\"", Printable(name));
  problem += nearest.empty() ? fmt::format(", expected one of {}", fmt::join(names, ", "))
                             : fmt::format(", did you mean \"{}\"?", nearest);
  return FailUsage(console, "", problem);
}

void PrintHelp(std::ostream& out) {
  out << kAbout << "\n\nUsage: gneiss COMMAND [OPTIONS] SOURCE...\n\nCommands:\n";
  for (const Command& command : kCommands) {
    out << fmt::format("  {:<10} {}\n", command.name, command.summary);
  }
  out << "\nA SOURCE is fleet:FILE (NDJSON, one image a line; .gz and .zst too), oci:DIR[:REF] "
         "(an\n"
         "OCI image layout), oci-archive:FILE[:REF] (a tar of one), docker-archive:FILE[:REF] (of\n"
         "`docker save`), dir:DIR (of `skopeo copy`), registry-fs:DIR[:REF] (the storage of a\n"
         "registry), a bare path to any of these, docker://HOST/REPO[:TAG|@DIGEST] (one image of "
         "a\n"
         "live registry) or registry://HOST[/PREFIX] (all of them). Several make one fleet.\n\n"
         "`gneiss COMMAND --help` lists the options of a command; `gneiss --version` says which "
         "this is.\n"
         "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 policy not met.\n\n"
         "Example:\n  gneiss stat fleet.ndjson.gz\n";
}

// Options of `app` that a mistyped one may have meant.
std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string DescribeExtras(const CLI::App& app) {
  const std::vector<std::string> extras = app.remaining();
  std::string problem =
      fmt::format("unknown option \"{}\"", extras.empty() ? "" : Printable(extras.front()));
  if (extras.empty()) return problem;
  if (!extras.front().starts_with('-')) {
    return fmt::format("expected no more arguments, found \"{}\"", Printable(extras.front()));
  }
  const std::string nearest =
      NearestWord(extras.front().substr(0, extras.front().find('=')), OptionNames(app));
  if (!nearest.empty()) problem += fmt::format(", did you mean {}?", nearest);
  return problem;
}

// A required argument is missed before an unknown option is: the option is told first.
std::string DescribeMissing(const CLI::App& app, const CLI::RequiredError& error) {
  const std::vector<std::string> extras = app.remaining();
  if (!extras.empty() && extras.front().starts_with('-')) return DescribeExtras(app);
  for (const CLI::Option* const option : app.get_options()) {
    if (!option->get_required() || option->count() > 0) continue;
    if (option->get_name() == "source") return "expected at least one SOURCE";
    if (option->get_positional()) return "expected " + option->get_type_name();
  }
  return OneLine(error.what());
}

// "Could not convert: --top = abc" is how CLI11 says it.
std::string DescribeConversion(const CLI::ConversionError& error) {
  const std::string_view text = error.what();
  constexpr std::string_view kPrefix = "Could not convert: ";
  const std::size_t equals = text.find(" = ");
  if (!text.starts_with(kPrefix) || equals == std::string_view::npos) return OneLine(text);
  return OneLine(fmt::format("{}: expected a number, found \"{}\"",
                             text.substr(kPrefix.size(), equals - kPrefix.size()),
                             text.substr(equals + 3)));
}

// Reads the options of `command` and runs it. CLI11's errors become usage errors here.
int RunNamed(const Command& command, std::vector<std::string> options, Console& console) {
  CLI::App app{std::string(command.summary), fmt::format("gneiss {}", command.name)};
  app.set_help_flag("-h,--help", "this text");
  const CommandBody body = command.configure(app);
  std::ranges::reverse(options);  // the order in which CLI11 takes them
  try {
    app.parse(options);
  } catch (const CLI::CallForHelp&) {
    *console.out << HelpText(command, app);
    console.out->flush();
    return kDone;
  } catch (const CLI::ExtrasError&) {
    return FailUsage(console, command.name, DescribeExtras(app));
  } catch (const CLI::RequiredError& error) {
    return FailUsage(console, command.name, DescribeMissing(app, error));
  } catch (const CLI::ConversionError& error) {
    return FailUsage(console, command.name, DescribeConversion(error));
  } catch (const CLI::ParseError& error) {
    return FailUsage(console, command.name, OneLine(error.what()));
  }
  try {
    const int code = body(console);
    console.out->flush();
    return code;
  } catch (const UsageError& error) {
    return FailUsage(console, command.name, OneLine(error.what()));
  }
}

int Dispatch(const std::vector<std::string>& arguments, Console& console) {
  if (arguments.empty()) return FailUsage(console, "", "expected a command");
  const std::string& first = arguments.front();
  std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (first == "--version" || first == "version") {
    *console.out << "gneiss " << GNEISS_VERSION << '\n';
    console.out->flush();
    return kDone;
  }
  if (first == "--help" || first == "-h" || (first == "help" && rest.empty())) {
    PrintHelp(*console.out);
    console.out->flush();
    return kDone;
  }
  // "help stat" is "stat --help".
  const bool wants_help = first == "help";
  const std::string& name = wants_help ? rest.front() : first;
  if (name.starts_with('-')) {
    return FailUsage(console, "", fmt::format("expected a command, found \"{}\"", Printable(name)));
  }
  const auto command = std::ranges::find(kCommands, name, &Command::name);
  if (command == kCommands.end()) return FailUnknownCommand(console, name);
  if (wants_help) rest = {"--help"};
  return RunNamed(*command, std::move(rest), console);
}

int Fail(Console& console, std::string_view problem) {
  *console.err << "gneiss: " << OneLine(problem) << '\n';
  return kFailed;
}

// What to do about a refusal of the operating system, where there is something.
std::string Advice(const std::error_code& code) {
  if (code == std::errc::no_space_on_device) return "; free some space and run again";
  if (code == std::errc::broken_pipe) return "; its reader closed it before the end";
  if (code == std::errc::permission_denied)
    return "; run as a user who may, or choose another path";
  if (code == std::errc::too_many_files_open) return "; raise the limit with `ulimit -n`";
  return "";
}

// Descriptors 0 to 2 that the caller closed: a file opened later must not take their place and
// receive the report. Reading and writing them fails, as it should.
void HoldStandardDescriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // Opened for the direction that nobody uses.
    [[maybe_unused]] const int held =
        open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

std::span<const Command> Commands() { return kCommands; }

std::string_view VersionText() { return GNEISS_VERSION; }

int RunCommand(const std::vector<std::string>& arguments, Console& console) {
  try {
    return Dispatch(arguments, console);
  } catch (const InputError& error) {
    return Fail(console, error.what());
  } catch (const std::system_error& error) {
    return Fail(console, error.what() + Advice(error.code()));
  } catch (const std::bad_alloc&) {
    return Fail(
        console,
        "out of memory; narrow the fleet with --platform or fewer sources, or use a machine "
        "with more memory");
  } catch (const std::exception& error) {
    return Fail(console,
                fmt::format("internal error: {}; this is a fault of gneiss, please report it "
                            "with the command line and, if you can, the input",
                            error.what()));
  }
}

int RunCommand(int argc, char** argv) {
  HoldStandardDescriptors();
  HandleInterrupts();
  DescriptorStream out(STDOUT_FILENO, "standard output", true);
  DescriptorStream err(STDERR_FILENO, "standard error", false);
  // Nobody is left to tell when words cannot be written.
  err.exceptions(std::ios::goodbit);
  Console console = ProbeConsole(out, err);
  const int code =
      RunCommand(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), console);
  // Some file systems report a full disk at close only.
  if (close(STDOUT_FILENO) != 0 && code == kDone) {
    const std::error_code error(errno, std::generic_category());
    return Fail(console, "standard output: " + error.message() + Advice(error));
  }
  return code;
}

}  // namespace gneiss
