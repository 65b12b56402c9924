#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "io/packages/package_files.h"
#include "io/packages/package_listing.h"
#include "io/packages/read_packages.h"
#include "tests/make/rounds.h"
#include "tests/make/scan_result.h"

namespace gneiss {
namespace {

// "path: system name version", a line for each entry that may have a package, in their order.
std::string Owners(const Inventory& inventory) {
  std::string list;
  for (const Entry& entry : inventory.entries) {
    if (!MayBelongToPackage(entry.type)) continue;
    list += std::string(inventory.path(entry)) + ":";
    if (entry.package != kNone) {
      const Package& package = inventory.packages[entry.package];
      list += " " + std::string(PackageSystemName(package.system)) + " " + package.name + " " +
              package.version;
    }
    list += "\n";
  }
  return list;
}

std::string Stanza(std::string_view name, std::string_view version,
                   std::string_view status = "install ok installed",
                   std::string_view architecture = "amd64") {
  return "Package: " + std::string(name) + "\nStatus: " + std::string(status) +
         "\nPriority: optional\nArchitecture: " + std::string(architecture) +
         "\nVersion: " + std::string(version) + "\nDescription: text\n Version: of a text\n .\n\n";
}

// A layer as apt leaves it: curl as it was listed, libc6 for two architectures.
std::string DpkgLayer() {
  return Directory("usr/bin/") + File("usr/bin/curl", "program") + Symlink("usr/bin/c", "curl") +
         File("usr/lib/x86_64-linux-gnu/libc.so.6", "c") +
         File("usr/lib/i386-linux-gnu/libc.so.6", "c") + File("etc/own", "mine") +
         File("var/lib/dpkg/info/curl.list", "/.\n/usr\n/usr/bin\n/usr/bin/curl\n/usr/bin/c\n") +
         File("var/lib/dpkg/info/curl.md5sums", "") + File("var/lib/dpkg/info/curl.x.y", "") +
         File("var/lib/dpkg/info/libc6:amd64.list", "/lib/x86_64-linux-gnu/libc.so.6\n") +
         File("var/lib/dpkg/info/libc6:i386.list", "/lib/i386-linux-gnu/libc.so.6\n") +
         File("var/lib/dpkg/info/libc6:i386.postinst", "#!/bin/sh\n") +
         File("var/lib/dpkg/status", Stanza("curl", "7.88.1-10+deb12u5") +
                                         Stanza("libc6", "2.36-9") +
                                         Stanza("libc6", "2.36-9", "install ok installed", "i386") +
                                         Stanza("tar", "1.34")) +
         EndBlocks();
}

TEST_CASE("Entries belong to the packages of dpkg whose lists a layer has", "[io][packages]") {
  const Inventory inventory = ScanTar(DpkgLayer());
  CHECK(Owners(inventory) ==
        "etc/own:\n"
        "usr/bin/c: dpkg curl 7.88.1-10+deb12u5\n"
        "usr/bin/curl: dpkg curl 7.88.1-10+deb12u5\n"
        "usr/lib/i386-linux-gnu/libc.so.6: dpkg libc6 2.36-9\n"
        "usr/lib/x86_64-linux-gnu/libc.so.6: dpkg libc6 2.36-9\n"
        "var/lib/dpkg/info/curl.list: dpkg curl 7.88.1-10+deb12u5\n"
        "var/lib/dpkg/info/curl.md5sums: dpkg curl 7.88.1-10+deb12u5\n"
        "var/lib/dpkg/info/curl.x.y:\n"
        "var/lib/dpkg/info/libc6:amd64.list: dpkg libc6 2.36-9\n"
        "var/lib/dpkg/info/libc6:i386.list: dpkg libc6 2.36-9\n"
        "var/lib/dpkg/info/libc6:i386.postinst: dpkg libc6 2.36-9\n"
        "var/lib/dpkg/status:\n");
  CHECK(inventory.packages.size() == 2);
  CHECK(Warnings(inventory).empty());
  CHECK(inventory.os_release.empty());
}

TEST_CASE("A path that is there is meant, and not the one of a merged /usr", "[io][packages]") {
  const std::string tar =
      File("bin/a") + File("usr/bin/a") + File("usr/bin/b") + File("usr/opt/c") +
      File("var/lib/dpkg/info/x.list", "/bin/a\n/bin/b\n/opt/c\n") + EndBlocks();
  CHECK(Owners(ScanTar(tar)) ==
        "bin/a: dpkg x \n"
        "usr/bin/a:\n"
        "usr/bin/b: dpkg x \n"
        "usr/opt/c:\n"
        "var/lib/dpkg/info/x.list: dpkg x \n");
}

TEST_CASE("Of packages that list one entry the first by name has it, of systems dpkg",
          "[io][packages]") {
  const std::string tar = File("etc/a") + File("etc/b") +
                          File("etc/p-1.dist-info/RECORD", "a,,\nb,,\n") +
                          File("var/lib/dpkg/info/z.list", "/etc/a\n") +
                          File("var/lib/dpkg/info/y.list", "/etc/a\n") + EndBlocks();
  CHECK(Owners(ScanTar(tar)) ==
        "etc/a: dpkg y \n"
        "etc/b: wheel p 1\n"
        "etc/p-1.dist-info/RECORD:\n"
        "var/lib/dpkg/info/y.list: dpkg y \n"
        "var/lib/dpkg/info/z.list: dpkg z \n");
}

TEST_CASE("Directories and whiteouts belong to no package", "[io][packages]") {
  const std::string tar = Directory("etc/") + File("etc/.wh.gone") + File("d/.wh..wh..opq") +
                          HardLink("etc/link", "etc/lower") +
                          File("var/lib/dpkg/info/x.list", "/etc\n/etc/gone\n/d\n/etc/link\n") +
                          EndBlocks();
  const Inventory inventory = ScanTar(tar);
  CHECK(Owners(inventory) ==
        "etc/link: dpkg x \n"
        "var/lib/dpkg/info/x.list: dpkg x \n");
}

TEST_CASE("A package that dpkg does not call installed has no entries", "[io][packages]") {
  const auto owners = [](const std::string& status) {
    return Owners(ScanTar(File("var/lib/dpkg/info/x.list", "/etc/x\n") +
                          File("var/lib/dpkg/status", status) + EndBlocks()));
  };
  const std::string end = "\nvar/lib/dpkg/status:\n";
  const std::string path = "var/lib/dpkg/info/x.list:";
  CHECK(owners(Stanza("x", "1")) == path + " dpkg x 1" + end);
  CHECK(owners(Stanza("x", "1", "hold ok installed")) == path + " dpkg x 1" + end);
  CHECK(owners(Stanza("x", "1", "deinstall ok config-files")) == path + end);
  CHECK(owners(Stanza("x", "1", "deinstall ok not-installed")) == path + end);
  // Another architecture that went does not matter.
  CHECK(owners(Stanza("x", "1", "deinstall ok config-files", "i386") + Stanza("x", "2")) ==
        path + " dpkg x 2" + end);
  CHECK(owners(Stanza("x", "1") + Stanza("x", "2")) == path + " dpkg x 1" + end);
  CHECK(owners(Stanza("x", "1 2")) == path + end);
  CHECK(owners(Stanza("x", "1\x1b[31m")) == path + end);
  CHECK(owners(Stanza("y", "1")) == path + " dpkg x " + end);
}

TEST_CASE("A status file that is cut gives no version that it does not have", "[io][packages]") {
  const std::string status = Stanza("w", "3") + Stanza("x", "12.5-1");
  for (std::size_t size = 0; size <= status.size(); ++size) {
    const Inventory inventory =
        ScanTar(File("var/lib/dpkg/info/x.list", "/etc/x\n") +
                File("var/lib/dpkg/status", status.substr(0, size)) + EndBlocks());
    for (const Package& package : inventory.packages) {
      const bool is_known = package.version.empty() || package.version == "12.5-1";
      if (!is_known) FAIL(package.version);
    }
    if (size == status.size()) CHECK(inventory.packages.at(0).version == "12.5-1");
  }
}

TEST_CASE("Distroless images have a part of the status for each package", "[io][packages]") {
  const std::string sum = "d41d8cd98f00b204e9800998ecf8427e";
  const std::string tar =
      File("./usr/share/zoneinfo/UTC", "utc") + File("./etc/x") + File("./etc/binary") +
      File("./var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a-0+deb12u1\n") +
      File("./var/lib/dpkg/status.d/tzdata.md5sums",
           sum + "  usr/share/zoneinfo/UTC\n" + sum + " *etc/binary\n" + sum + "\nshort\n") +
      File("./var/lib/dpkg/status.d/b64name", "Package: base-files\nVersion: 12.4") +
      File("./var/lib/dpkg/status.d/b64name.md5sums", sum + "  etc/x\n") + EndBlocks();
  CHECK(Owners(ScanTar(tar)) ==
        "etc/binary: dpkg tzdata 2024a-0+deb12u1\n"
        "etc/x:\n"
        "usr/share/zoneinfo/UTC: dpkg tzdata 2024a-0+deb12u1\n"
        "var/lib/dpkg/status.d/b64name:\n"
        "var/lib/dpkg/status.d/b64name.md5sums:\n"
        "var/lib/dpkg/status.d/tzdata: dpkg tzdata 2024a-0+deb12u1\n"
        "var/lib/dpkg/status.d/tzdata.md5sums: dpkg tzdata 2024a-0+deb12u1\n");
}

TEST_CASE("apk lists directories and the files in them", "[io][packages]") {
  const std::string installed =
      "C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nF:usr\n"
      "F:usr/lib\nR:libc.so\n\n"
      "P:.build-deps\nV:20240101.1\n\n"
      "P:bad name\nV:1\nF:etc\nR:bad\n\n"
      "P:noversion\nF:etc\nR:bad\n\n"
      "P:root\nV:1\nF:\nR:init\nF:../..\nR:etc/bad\nF:etc\nR:../lib/x\n\n"
      "P:last\nV:2\nF:etc\nR:last";
  for (const std::string place : {"lib/apk/db/installed", "usr/lib/apk/db/installed"}) {
    const std::string tar = File("lib/ld-musl-x86_64.so.1") + File("usr/lib/libc.so") +
                            File("etc/bad") + File("init") + File("etc/last") + File("lib/x") +
                            File(place, installed) + EndBlocks();
    std::string owners = Owners(ScanTar(tar));
    const std::size_t at = owners.find(place);
    REQUIRE(at != std::string::npos);
    CHECK(owners.erase(at, place.size() + 2) ==
          "etc/bad:\n"
          "etc/last: apk last 2\n"
          "init: apk root 1\n"
          "lib/ld-musl-x86_64.so.1: apk musl 1.2.5-r0\n"
          "lib/x:\n"
          "usr/lib/libc.so: apk musl 1.2.5-r0\n");
  }
}

TEST_CASE("pacman has a directory for each package, named for its version", "[io][packages]") {
  const std::string files =
      "%FILES%\nusr/\nusr/bin/\nusr/bin/zstd\n\n%BACKUP%\netc/zstd.conf\tabc\n\n";
  const std::string local = "var/lib/pacman/local/";
  const std::string tar =
      File("usr/bin/zstd") + File("etc/zstd.conf") +
      File(local + "zstd-1:1.5.5-1/desc", "%NAME%\nzstd\n\n%VERSION%\n1:1.5.5-1\n\n") +
      File(local + "zstd-1:1.5.5-1/files", files) + File(local + "zstd-1:1.5.5-1/mtree") +
      File(local + "other-2/desc", "%NAME%\nzstd\n\n%VERSION%\n1\n\n") +
      File(local + "other-2/files", "%FILES%\netc/zstd.conf\n") +
      File(local + "lost-1/files", "%FILES%\netc/zstd.conf\n") + EndBlocks();
  CHECK(Owners(ScanTar(tar)) ==
        "etc/zstd.conf:\n"
        "usr/bin/zstd: pacman zstd 1:1.5.5-1\n"
        "var/lib/pacman/local/lost-1/files:\n"
        "var/lib/pacman/local/other-2/desc:\n"
        "var/lib/pacman/local/other-2/files:\n"
        "var/lib/pacman/local/zstd-1:1.5.5-1/desc: pacman zstd 1:1.5.5-1\n"
        "var/lib/pacman/local/zstd-1:1.5.5-1/files: pacman zstd 1:1.5.5-1\n"
        "var/lib/pacman/local/zstd-1:1.5.5-1/mtree: pacman zstd 1:1.5.5-1\n");
}

TEST_CASE("A wheel's record counts from the directory above its own", "[io][packages]") {
  const std::string site = "usr/lib/python3/site-packages/";
  const std::string tar =
      File(site + "six.py") + File(site + "a, \"b\".py") + File("usr/bin/six") + File("etc/six") +
      File(site + "six-1.16.0.dist-info/RECORD",
           "six.py,sha256=x,5\n\"a, \"\"b\"\".py\",,\n../../../bin/six,,\n/etc/six,,\n"
           "../../../../../../../etc/passwd,,\nsix-1.16.0.dist-info/RECORD,,\n\n,,\n") +
      File("etc/passwd") + File("x/noversion.dist-info/RECORD", "noversion.dist-info/RECORD,,\n") +
      EndBlocks();
  CHECK(Owners(ScanTar(tar)) ==
        "etc/passwd:\n"
        "etc/six: wheel six 1.16.0\n"
        "usr/bin/six: wheel six 1.16.0\n"
        "usr/lib/python3/site-packages/a, \"b\".py: wheel six 1.16.0\n"
        "usr/lib/python3/site-packages/six-1.16.0.dist-info/RECORD: wheel six 1.16.0\n"
        "usr/lib/python3/site-packages/six.py: wheel six 1.16.0\n"
        "x/noversion.dist-info/RECORD:\n");
}

TEST_CASE("os-release is read as a shell would", "[io][packages]") {
  const auto read = [](std::string_view text) {
    const OsRelease os = ParseOsRelease(text);
    return os.id + "|" + os.version_id + "|" + os.codename;
  };
  CHECK(read("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\nVERSION_ID=\"12\"\n"
             "VERSION_CODENAME=bookworm\nID_LIKE=x\n") == "debian|12|bookworm");
  CHECK(read("ID='alpine'\nVERSION_ID=3.20.1") == "alpine|3.20.1|");
  CHECK(read("#ID=a\nID=b\nID=\"c\"\n ID=d\n") == "c||");
  CHECK(read("ID=\"a\\.b\"\n") == "||");
  CHECK(read("ID=\"a\\\"b\"\nVERSION_ID='1\\2'\n") == "||");
  CHECK(read("ID=a\\.b\nVERSION_ID=\"1\"'2'\n") == "a.b|12|");
  CHECK(read("ID=\"open\nVERSION_ID=1\\") == "||");
  CHECK(read("ID=a b\nVERSION_ID=$(x)\nVERSION_CODENAME=\x1b[31m\n") == "||");
  CHECK(read(std::string("ID=a\0b\n", 7)) == "||");
  CHECK(read("ID=" + std::string(255, 'a') + "\nVERSION_ID=" + std::string(256, '1')) ==
        std::string(255, 'a') + "||");
  CHECK(read("ID=debian\r\nVERSION_ID=12 \n") == "debian|12|");
}

TEST_CASE("The os-release of /etc goes before the vendor's, where it is a file", "[io][packages]") {
  const std::string vendor = File("usr/lib/os-release", "ID=vendor\n");
  const auto id = [](const std::string& tar) { return ScanTar(tar + EndBlocks()).os_release.id; };
  CHECK(id(vendor + Symlink("etc/os-release", "../usr/lib/os-release")) == "vendor");
  CHECK(id(File("etc/os-release", "ID=etc\n") + vendor) == "etc");
  CHECK(id(File("etc/os-release", "ID=etc\n") + Symlink("etc/os-release", "x")).empty());
  CHECK(id(File("etc/os-release", "ID=etc\n") + File("etc/os-release", "ID=two\n")) == "two");
  CHECK(id(File("usr/etc/os-release", "ID=etc\n")).empty());
}

TEST_CASE("Lists of strangers give entries of the layer to packages, and nothing else",
          "[io][packages]") {
  const auto owners = [](std::string_view list) {
    return Owners(ScanTar(File("etc/a") + File("etc/passwd") +
                          File("var/lib/dpkg/info/x.list", list) + EndBlocks()));
  };
  const std::string nothing = "etc/a:\netc/passwd:\nvar/lib/dpkg/info/x.list: dpkg x \n";
  CHECK(owners("") == nothing);
  CHECK(owners("\n\n/\n.\n..\n/..\n//\n./\n") == nothing);
  CHECK(owners("/../etc/passwd\n/etc/../etc/passwd\n//etc/passwd\n/etc//passwd\n") == nothing);
  CHECK(owners(std::string("/etc/passwd\0\n/etc/\0passwd\n\0", 27)) == nothing);
  CHECK(owners("/etc/passwd/\n") ==
        "etc/a:\netc/passwd: dpkg x \nvar/lib/dpkg/info/x.list: dpkg x \n");
  // Without an end of the last line.
  CHECK(owners("/etc/a") == "etc/a: dpkg x \netc/passwd:\nvar/lib/dpkg/info/x.list: dpkg x \n");
  CHECK(owners(std::string(70'000, 'a') + "\n/" + std::string(70'000, '/')) == nothing);
}

TEST_CASE("What is no name of a package is passed over", "[io][packages]") {
  for (const std::string name :
       {"", ".", "-x", "a b", "a\nb", "\x1b[31m", "\xc3\xa4", "a\\b", ":i386"}) {
    const std::string path = "var/lib/dpkg/info/" + name + ".list";
    const Inventory inventory = ScanTar(File("etc/a") + File(path, "/etc/a\n") + EndBlocks());
    INFO(name);
    CHECK(inventory.packages.empty());
  }
  CHECK(IsNameFor(PackageSystem::kDpkg, "libstdc++6"));
  CHECK(IsNameFor(PackageSystem::kDpkg, std::string(255, 'a')));
  CHECK_FALSE(IsNameFor(PackageSystem::kDpkg, std::string(256, 'a')));
  CHECK(IsVersionFor(PackageSystem::kDpkg, "1:2.0~rc1-3+b1"));
  CHECK_FALSE(IsVersionFor(PackageSystem::kApk, "1:2"));
  CHECK_FALSE(IsVersionFor(PackageSystem::kWheel, ""));
}

TEST_CASE("Databases past a limit are passed over with a warning", "[io][packages]") {
  const std::string huge(static_cast<std::size_t>(kMaxPackageFileBytes) + 1, '\n');
  const Inventory inventory = ScanTar(File("etc/a") + File("var/lib/dpkg/info/a.list", huge) +
                                      File("var/lib/dpkg/info/b.list", "/etc/a\n") + EndBlocks());
  CHECK(Warnings(inventory) == "package database past a limit 1 var/lib/dpkg/info/a.list\n");
  CHECK(Owners(inventory) ==
        "etc/a: dpkg b \nvar/lib/dpkg/info/a.list:\nvar/lib/dpkg/info/b.list: dpkg b \n");

  PackageFiles files;
  const auto take = [&](const std::string& path, Bytes size) {
    return files.Take("var/lib/dpkg/info/" + path + ".list", EntryType::kRegular, size) != nullptr;
  };
  for (Bytes i = 0; i < kMaxPackageFilesBytes / kMaxPackageFileBytes; ++i) {
    CHECK(take("n" + std::to_string(i), kMaxPackageFileBytes));
  }
  CHECK_FALSE(take("e", 1));
  CHECK(take("e", 0));
  CHECK(files.num_passed_over() == 1);
  CHECK(files.first_passed_over() == "var/lib/dpkg/info/e.list");
}

TEST_CASE("A file given again gives back what it took", "[io][packages]") {
  PackageFiles files;
  for (int i = 0; i < 100; ++i) {
    std::string* const body =
        files.Take("etc/os-release", EntryType::kRegular, kMaxPackageFileBytes - i);
    REQUIRE(body != nullptr);
    body->assign(static_cast<std::size_t>(kMaxPackageFileBytes - i), '#');
  }
  CHECK(files.num_passed_over() == 0);
  CHECK(files.Take("etc/os-release", EntryType::kDirectory, 0) == nullptr);
  CHECK(files.bodies().empty());
}

TEST_CASE("More packages than a layer may have are passed over", "[io][packages]") {
  std::string installed;
  for (std::size_t i = 0; i < kMaxPackages + 10; ++i) {
    installed += "P:p" + std::to_string(i) + "\nV:1\n\n";
  }
  installed += "P:last\nV:1\nF:etc\nR:a\n\n";
  const Inventory inventory =
      ScanTar(File("etc/a") + File("lib/apk/db/installed", installed) + EndBlocks());
  CHECK(inventory.packages.empty());
}

TEST_CASE("Packages are the same however reads are cut", "[io][packages]") {
  const std::string tar = DpkgLayer();
  const std::string owners = Owners(ScanTar(tar));
  for (const std::size_t chunk : {1, 2, 3, 7, 511, 513, 1000}) {
    CHECK(Owners(*ScanBlob(tar, {}, chunk).inventory) == owners);
  }
}

TEST_CASE("Databases of any bytes give a sound inventory", "[io][packages]") {
  std::mt19937_64 random(1);
  const std::vector<std::pair<std::string, std::string>> bodies = {
      {"var/lib/dpkg/status", Stanza("curl", "7.88") + Stanza("libc6", "2")},
      {"var/lib/dpkg/info/curl.list", "/usr/bin/curl\n/etc/a\n"},
      {"var/lib/dpkg/status.d/x", "Package: x\nVersion: 1\n"},
      {"var/lib/dpkg/status.d/x.md5sums", "d41d8cd98f00b204e9800998ecf8427e  etc/a\n"},
      {"lib/apk/db/installed", "P:musl\nV:1\nF:etc\nR:b\n\n"},
      {"var/lib/pacman/local/z-1/desc", "%NAME%\nz\n\n%VERSION%\n1\n"},
      {"var/lib/pacman/local/z-1/files", "%FILES%\netc/c\n"},
      {"etc/p-1.dist-info/RECORD", "d,,\n\"e\",\n"},
      {"etc/os-release", "ID=\"a\"\nVERSION_ID='1'\n"}};
  const std::string alphabet = "\n:/ .\"'\\=,%\0PVFRaetc1\x1b\xff";
  std::size_t num_packages = 0;
  for (int round = 0; round < NumRounds(2000); ++round) {
    std::string tar;
    for (const char* name : {"etc/a", "etc/b", "etc/c", "etc/d", "etc/e"}) tar += File(name);
    for (auto [path, body] : bodies) {
      for (std::uint64_t left = random() % 4; left > 0; --left) {
        body[random() % body.size()] = alphabet[random() % alphabet.size()];
      }
      if (random() % 8 == 0) body.resize(random() % body.size());
      tar += File(path, body);
    }
    const ScannedLayer scanned = ScanBlob(tar + EndBlocks());
    const std::string fault = FindInventoryFault(scanned.inventory.value());
    if (!fault.empty()) FAIL(fault);
    num_packages += scanned.inventory->packages.size();
  }
  CHECK(num_packages > NumRounds(4000));
}

}  // namespace
}  // namespace gneiss
