// Verifies an image in an OCI image layout, in C++.
//
//   layout CONFIG LAYOUT SCOPE REFERENCE
//
// Exit code: 0 trusted, 1 not trusted, 2 wrong usage, 3 could not evaluate.
#include <notation_verifier.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

namespace {

// `text` as a JSON string.
std::string json(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      quoted += escaped;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 5) {
    std::cerr << "usage: layout CONFIG LAYOUT SCOPE REFERENCE\n";
    return 2;
  }
  try {
    const auto verifier = notation::Verifier::from_directory(argv[1]);
    const auto report =
        verifier.verify_layout("{\"path\":" + json(argv[2]) + ",\"scope\":" + json(argv[3]) +
                               ",\"reference\":" + json(argv[4]) + "}");
    if (report.trusted()) {
      std::cout << "trusted " << report.digest() << '\n';
      return 0;
    }
    std::cout << nv_status_name(report.status()) << " (" << report.reason()
              << "): " << report.detail() << '\n';
    return 1;
  } catch (const notation::Error &error) {
    std::cerr << "could not evaluate: " << error.what() << '\n';
    return 3;
  }
}
