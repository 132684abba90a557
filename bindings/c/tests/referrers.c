/*
 * Lists of signatures in a session, as registries with the referrers API answer and as
 * hosts list them themselves.
 *
 *   referrers DEMO
 */
#include "check.h"

#define IMAGE "sha256:77ccdf3a62627be58d4c429a5712f0e8d53699505a9f4064bff80f4a54636274"
#define IMAGE_TAG "sha256-77ccdf3a62627be58d4c429a5712f0e8d53699505a9f4064bff80f4a54636274"
#define SIGNATURE "sha256:e2a3d22787cbb64b33ba9eed4e42adc7c991e389921b75a60a47640839535264"
#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define INDEX "application/vnd.oci.image.index.v1+json"
#define ENTRY                                                                            \
  "{\"mediaType\":\"" MANIFEST "\",\"digest\":\"" SIGNATURE "\",\"size\":861,"           \
  "\"artifactType\":\"application/vnd.cncf.notary.signature\"}"
#define LIST(entries)                                                                    \
  "{\"schemaVersion\":2,\"mediaType\":\"" INDEX "\",\"manifests\":[" entries "]}"
#define API "https://registry.example/v2/demo/app/referrers/" IMAGE
#define BY_TAG "https://registry.example/v2/demo/app/manifests/" IMAGE_TAG
#define HEADERS "content-type: " INDEX "\r\n"

static const char *demo;

static int starts(nv_str text, const char *wanted) {
  return strncmp(text.data, wanted, strlen(wanted)) == 0;
}

static file content(nv_str digest) {
  char path[512];
  CHECK(digest.len == 71 && strncmp(digest.data, "sha256:", 7) == 0);
  sprintf(path, "%s/layout/blobs/sha256/%s", demo, digest.data + 7);
  return read_file(path);
}

/* One answer to the question for signatures, and the address that it is to. */
typedef struct step {
  const char *url;
  unsigned status;
  const char *headers;
  const char *body;
} step;

static void bring(nv_session *session, const nv_need *need, const char *digest) {
  nv_error *error = NULL;
  nv_str name = {digest, 71};
  file found = content(name);
  CHECK_STATUS(NV_DONE, nv_session_supply_http(session, need->id, 200,
                                               TEXT("content-type: " MANIFEST "\n"),
                                               found.data, found.len, &error));
  free(found.data);
}

/* Answers all needs; those for signatures with `steps`, each of which is used up. */
static nv_status drive(const nv_verifier *verifier, const step *steps, size_t count,
                       nv_report **report) {
  nv_error *error = NULL;
  nv_session *session = NULL;
  nv_need need;
  nv_status status;
  size_t used = 0;
  CHECK_STATUS(NV_DONE,
               nv_session_for_image(verifier,
                                    TEXT("{\"reference\":\"registry.example/demo/app@" IMAGE
                                         "\"}"),
                                    &session, &error));
  while ((status = nv_session_step(session, &error)) == NV_NEEDS) {
    CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
    CHECK(need.method.len == 3 && strcmp(need.method.data, "GET") == 0);
    switch (need.kind) {
    case NV_NEED_RESOLVE:
      CHECK(starts(need.headers, "accept: ") || strstr(need.headers.data, "\naccept: "));
      bring(session, &need, IMAGE);
      break;
    case NV_NEED_REFERRERS:
      CHECK(used < count);
      if (!starts(need.url, steps[used].url)) {
        fprintf(stderr, "asked for %s and not for %s\n", need.url.data, steps[used].url);
      }
      CHECK(starts(need.url, steps[used].url));
      CHECK_STATUS(NV_DONE,
                   nv_session_supply_http(session, need.id, steps[used].status,
                                          TEXT(steps[used].headers),
                                          (const uint8_t *)steps[used].body,
                                          strlen(steps[used].body), &error));
      used++;
      break;
    default:
      bring(session, &need, need.what.data);
    }
  }
  CHECK(error == NULL && used == count);
  CHECK(nv_session_report(session, report, &error) == status);
  nv_session_free(&session);
  return status;
}

/* What registries answer. */
static void by_http(const nv_verifier *verifier) {
  static const step LISTED[] = {
      {API, 200, HEADERS "OCI-Filters-Applied: artifactType\r\n", LIST(ENTRY)},
  };
  static const step PAGES[] = {
      {API, 200, HEADERS "link: </v2/demo/app/referrers/" IMAGE "?n=2>; rel=\"next\"\r\n",
       LIST("")},
      {API "?n=2", 200, HEADERS, LIST(ENTRY)},
  };
  static const step ELSEWHERE[] = {
      {API, 200, HEADERS "link: <https://other.example/v2/x>; rel=\"next\"\r\n", LIST("")},
  };
  static const step EMPTY[] = {{API, 200, HEADERS, LIST("")}};
  static const step TAGGED[] = {
      {API, 404, "content-type: text/plain\r\n", "404 page not found\n"},
      {BY_TAG, 200, HEADERS, LIST(ENTRY)},
  };
  static const step NOTHING[] = {
      {API, 404, "content-type: text/plain\r\n", "404 page not found\n"},
      {BY_TAG, 404, "content-type: application/json\r\n",
       "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}"},
  };
  static const step LIMITED[] = {{API, 429, "retry-after: 1\r\n", "slow down"}};
  static const step REFUSED[] = {{API, 401, "www-authenticate: Basic\r\n", ""}};
  static const step GARBAGE[] = {{API, 200, HEADERS, "{\"manifests\":"}};
  static const struct {
    const step *steps;
    size_t count;
    nv_status wanted;
    const char *why;
  } CASES[] = {
      {LISTED, 1, NV_TRUSTED, ""},
      {PAGES, 2, NV_TRUSTED, ""},
      {ELSEWHERE, 1, NV_LOOKUP_FAILED, "other.example"},
      {EMPTY, 1, NV_UNSIGNED, ""},
      {TAGGED, 2, NV_TRUSTED, ""},
      {NOTHING, 2, NV_UNSIGNED, ""},
      {LIMITED, 1, NV_LOOKUP_FAILED, "429"},
      {REFUSED, 1, NV_LOOKUP_FAILED, "401"},
      {GARBAGE, 1, NV_LOOKUP_FAILED, ""},
  };
  size_t i;
  for (i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
    nv_report *report = NULL;
    nv_status status = drive(verifier, CASES[i].steps, CASES[i].count, &report);
    if (status != CASES[i].wanted) {
      fprintf(stderr, "case %u is %s: %s\n", (unsigned)i, nv_status_name(status),
              nv_report_detail(report).data);
    }
    CHECK(status == CASES[i].wanted);
    CHECK(strstr(nv_report_detail(report).data, CASES[i].why) != NULL);
    nv_report_free(&report);
  }
}

/* Pages of a host that lists signatures itself; it knows the image too. */
static nv_status listed(const nv_verifier *verifier, const char *resolved,
                        const char *const *pages, nv_report **report) {
  nv_error *error = NULL;
  nv_session *session = NULL;
  nv_need need;
  nv_status status;
  CHECK_STATUS(NV_DONE,
               nv_session_for_image(verifier,
                                    TEXT("{\"scope\":\"registry.example/demo/app\","
                                         "\"reference\":\"" IMAGE "\"}"),
                                    &session, &error));
  while ((status = nv_session_step(session, &error)) == NV_NEEDS) {
    CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
    CHECK(need.method.len == 0 && need.url.len == 0);
    if (need.kind == NV_NEED_RESOLVE) {
      CHECK_STATUS(NV_ERROR_USAGE, nv_session_supply_resolved(session, need.id,
                                                              TEXT("{\"size\":1}"), &error));
      CHECK_STATUS(NV_DONE,
                   nv_session_supply_resolved(session, need.id, TEXT(resolved), &error));
    } else if (need.kind == NV_NEED_REFERRERS) {
      CHECK(*pages != NULL);
      CHECK(strcmp(need.what.data, IMAGE) == 0);
      CHECK_STATUS(NV_ERROR_USAGE,
                   nv_session_supply_referrers(session, need.id,
                                               TEXT("{\"descriptors\":[],\"nxt\":1}"),
                                               &error));
      CHECK_STATUS(NV_DONE,
                   nv_session_supply_referrers(session, need.id, TEXT(*pages), &error));
      pages++;
    } else {
      file found = content(need.what);
      CHECK_STATUS(NV_DONE, nv_session_supply_content(session, need.id, NULL, 0,
                                                      found.data, found.len, &error));
      free(found.data);
    }
  }
  CHECK(error == NULL && *pages == NULL);
  CHECK(nv_session_report(session, report, &error) == status);
  nv_session_free(&session);
  return status;
}

static void by_host(const nv_verifier *verifier) {
#define RESOLVED(digest) "{\"mediaType\":\"" MANIFEST "\",\"digest\":\"" digest "\",\"size\":395}"
  static const char *const ONE[] = {"{\"descriptors\":[" ENTRY "],\"next\":null}", NULL};
  static const char *const TWO[] = {"{\"descriptors\":[],\"next\":\"more\"}",
                                    "{\"descriptors\":[" ENTRY "],\"next\":null}", NULL};
  static const char *const NONE[] = {"{\"descriptors\":[],\"next\":null}", NULL};
  static const char *const PROBLEM[] = {
      "{\"descriptors\":[],\"next\":null,\"problems\":[\"a page is torn\"]}", NULL};
  static const char *const BESIDE[] = {
      "{\"descriptors\":[" ENTRY "],\"next\":null,\"problems\":[\"a page is torn\"]}", NULL};
  nv_report *report = NULL;
  CHECK(listed(verifier, RESOLVED(IMAGE), ONE, &report) == NV_TRUSTED);
  nv_report_free(&report);
  CHECK(listed(verifier, RESOLVED(IMAGE), TWO, &report) == NV_TRUSTED);
  nv_report_free(&report);
  CHECK(listed(verifier, RESOLVED(IMAGE), NONE, &report) == NV_UNSIGNED);
  nv_report_free(&report);
  /* What could not be looked at might have been a signature. */
  CHECK(listed(verifier, RESOLVED(IMAGE), PROBLEM, &report) == NV_LOOKUP_FAILED);
  CHECK(strstr(nv_report_detail(report).data, "a page is torn") != NULL);
  nv_report_free(&report);
  CHECK(listed(verifier, RESOLVED(IMAGE), BESIDE, &report) == NV_TRUSTED);
  CHECK(strstr(nv_report_json(report).data, "a page is torn") != NULL);
  nv_report_free(&report);
  /* Another image than the one that was asked for. */
  CHECK(listed(verifier, RESOLVED(SIGNATURE), ONE, &report) == NV_LOOKUP_FAILED);
  nv_report_free(&report);
}

int main(int argc, char **argv) {
  nv_verifier *verifier;
  CHECK(argc >= 2);
  demo = argv[1];
  verifier = demo_verifier(demo, argc > 2 ? "{\"cryptography\":\"portable\"}" : "");
  by_http(verifier);
  by_host(verifier);
  nv_verifier_free(&verifier);
  printf("referrers: %d checks\n", checks_done);
  return 0;
}
