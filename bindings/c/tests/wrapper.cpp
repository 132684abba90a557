// The C++ wrapper: ownership, exceptions, a session.
//
//   wrapper DEMO
#include <notation_verifier.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <utility>

static int checks_done = 0;

#define CHECK(condition)                                                                 \
  do {                                                                                   \
    checks_done++;                                                                       \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);       \
      std::exit(1);                                                                      \
    }                                                                                    \
  } while (0)

static_assert(!std::is_copy_constructible<notation::Report>::value, "reports are owned");
static_assert(std::is_nothrow_move_constructible<notation::Report>::value, "and moved");
static_assert(!std::is_copy_constructible<notation::Verifier>::value, "verifiers too");

int main(int argc, char **argv) {
  CHECK(argc == 2);
  const std::string demo = argv[1];
  auto verifier = notation::Verifier::from_directory(demo + "/config");
  const std::string request = "{\"path\":\"" + demo +
                              "/layout\",\"scope\":\"registry.example/demo/app\","
                              "\"reference\":\"v1\"}";
  notation::Report report = verifier.verify_layout(request);
  CHECK(report.trusted() && report.digest().size() == 71 && report.reason().empty());
  notation::Report moved = std::move(report);
  CHECK(moved.trusted());
  // What was moved from is nothing, and not trusted.
  CHECK(!report.trusted() && report.json().empty());

  try {
    verifier.verify_layout("{}");
    CHECK(false);
  } catch (const notation::Error &error) {
    CHECK(error.status() == NV_ERROR_USAGE);
    CHECK(std::string(error.what()).find("path") != std::string::npos);
    CHECK(error.json().find("\"error\"") != std::string::npos);
  }
  try {
    notation::Verifier::from_directory(demo + "/nothing");
    CHECK(false);
  } catch (const notation::Error &error) {
    CHECK(error.status() == NV_ERROR_USAGE);
  }

  // A host that throws in the middle of a session leaves nothing behind.
  try {
    notation::Session session(verifier, "{\"reference\":\"registry.example/demo/app:v1\"}");
    session.drive([](notation::Session &, const nv_need &) { throw 7; });
    CHECK(false);
  } catch (int thrown) {
    CHECK(thrown == 7);
  }
  notation::Session session(verifier, "{\"reference\":\"registry.example/demo/app:v1\"}");
  const notation::Report found =
      session.drive([](notation::Session &one, const nv_need &need) {
        CHECK(std::string(need.url.data) ==
              "https://registry.example/v2/demo/app/manifests/v1");
        CHECK(nv_session_supply_not_found(one.get(), need.id, nullptr) == NV_DONE);
      });
  CHECK(found.status() == NV_LOOKUP_FAILED && !found.detail().empty());

  const notation::Cancel cancel;
  cancel.now();
  try {
    verifier.verify_image("{\"reference\":\"registry.example/demo/app:v1\"}", &cancel);
    CHECK(false);
  } catch (const notation::Error &error) {
    CHECK(error.status() == NV_ERROR_CANCELLED);
  }
  std::printf("wrapper: %d checks\n", checks_done);
  return 0;
}
