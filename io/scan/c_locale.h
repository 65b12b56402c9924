// The "C" locale for a thread's calls of libarchive, which takes the encoding of names from there:
// names are bytes, whatever the program's locale is.
#pragma once

#include <clocale>
#include <new>

namespace gneiss {

class CLocale {
 public:
  CLocale() : locale_(newlocale(LC_ALL_MASK, "C", nullptr)) {
    if (locale_ == nullptr) throw std::bad_alloc();
  }
  CLocale(const CLocale&) = delete;
  CLocale& operator=(const CLocale&) = delete;
  ~CLocale() { freelocale(locale_); }

  // While it lives, in its thread.
  class Scope {
   public:
    explicit Scope(const CLocale& locale) : before_(uselocale(locale.locale_)) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { uselocale(before_); }

   private:
    locale_t before_;
  };

 private:
  locale_t locale_;
};

}  // namespace gneiss
