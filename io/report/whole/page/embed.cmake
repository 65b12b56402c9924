# Writes a C++ source that holds the page's files and the charting library, so that the executable
# needs none of them when it runs.
#
#   cmake -DSOURCE=io/report/whole/page -DLIBRARY=d3.min.js -DOUTPUT=page_files.cc -P embed.cmake

set(scripts text.js table.js summary.js levels.js tree.js curves.js history.js recommendations.js groups.js
            images.js page.js)

# The bytes of `text` as the elements of an array.
function(gneiss_array name file)
  set(elements)
  foreach(path IN LISTS file)
    file(READ ${path} hex HEX)
    string(APPEND elements ${hex})
  endforeach()
  string(REGEX REPLACE "(................................)" "\\1\n" elements "${elements}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," elements "${elements}")
  set(array "constexpr unsigned char ${name}[] = {\n${elements}};\n" PARENT_SCOPE)
endfunction()

list(TRANSFORM scripts PREPEND ${SOURCE}/)
# What would end a script in HTML before its end.
foreach(path IN LISTS scripts ITEMS ${LIBRARY})
  file(READ ${path} text)
  if(text MATCHES "</[sS][cC][rR][iI][pP][tT]|<!--")
    message(FATAL_ERROR "${path} cannot stand in a page: it holds </script or <!--")
  endif()
endforeach()

set(source "// Made by io/report/whole/page/embed.cmake.\n#include \"io/report/whole/report_html.h\"\n\n"
           "namespace gneiss {\nnamespace {\n\n")
foreach(part IN ITEMS "kHtml|${SOURCE}/page.html" "kStyle|${SOURCE}/page.css" "kLibrary|${LIBRARY}")
  string(REPLACE "|" ";" part "${part}")
  list(GET part 0 name)
  list(GET part 1 path)
  gneiss_array(${name} ${path})
  string(APPEND source "${array}")
endforeach()
gneiss_array(kScript "${scripts}")
string(APPEND source "${array}")
string(APPEND source "
template <std::size_t size>
std::string_view TextOf(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

PageFiles EmbeddedPage() {
  return {.html = TextOf(kHtml),
          .style = TextOf(kStyle),
          .library = TextOf(kLibrary),
          .script = TextOf(kScript)};
}

}  // namespace gneiss
")
file(WRITE ${OUTPUT} "${source}")
