/*
 * 10,000 calls of every kind, and the memory in use stays what it was.
 *
 *   leaks DEMO [CALLS]
 */
#include "check.h"

#include <malloc.h>

enum { CALLS_A_ROUND = 12 };

static const char *demo;

static void round_of_calls(const nv_verifier *verifier, file envelope, file blob,
                           const char *layout) {
  static const char BLOB[] = "{\"envelopeMediaType\":\"application/jose+json\"}";
  nv_error *error = NULL;
  nv_report *report = NULL;
  nv_session *session = NULL;
  nv_verifier_builder *builder = NULL;
  nv_thumbprints *thumbprints = NULL;
  nv_signing_report *signing = NULL;
  nv_need need;
  /* CALLS_A_ROUND calls. */
  CHECK_STATUS(NV_TRUSTED, nv_verify_layout(verifier, TEXT(layout), &report, &error));
  CHECK(nv_report_json(report).len > 0 && nv_report_digest(report).len > 0);
  nv_report_free(&report);
  CHECK_STATUS(NV_TRUSTED, nv_verify_blob(verifier, TEXT(BLOB), envelope.data, envelope.len,
                                          blob.data, blob.len, &report, &error));
  nv_report_free(&report);
  CHECK_STATUS(NV_DONE, nv_session_for_blob(verifier, TEXT(BLOB), envelope.data,
                                            envelope.len, &session, &error));
  CHECK_STATUS(NV_NEEDS, nv_session_step(session, &error));
  CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
  CHECK(nv_session_needs_json(session).len > 0);
  CHECK_STATUS(NV_DONE,
               nv_session_supply_failed(session, need.id, TEXT("not today"), &error));
  CHECK_STATUS(NV_LOOKUP_FAILED, nv_session_step(session, &error));
  CHECK_STATUS(NV_LOOKUP_FAILED, nv_session_report(session, &report, &error));
  nv_report_free(&report);
  nv_session_free(&session);
  CHECK_STATUS(NV_DONE, nv_envelope_thumbprints(verifier, envelope.data, envelope.len,
                                                &thumbprints, &error));
  CHECK(nv_thumbprints_count(thumbprints) == 3);
  nv_thumbprints_free(&thumbprints);
  /* Errors, too. */
  CHECK_STATUS(NV_ERROR_IO,
               nv_attach_signatures(verifier, TEXT("{\"map\":\"/dev/null/x\"}"), NULL, NULL,
                                    NULL, &signing, &error));
  CHECK_STATUS(NV_ERROR_USAGE, nv_verify_layout(verifier, TEXT("{"), &report, &error));
  CHECK_STATUS(NV_DONE, nv_verifier_builder_new(NULL, 0, &builder, &error));
  nv_verifier_builder_free(&builder);
}

int main(int argc, char **argv) {
  nv_verifier *verifier;
  file envelope;
  file blob;
  char *path;
  char *layout;
  size_t before;
  size_t after;
  long rounds;
  long i;
  CHECK(argc >= 2);
  demo = argv[1];
  rounds = (argc > 2 ? strtol(argv[2], NULL, 10) : 10000) / CALLS_A_ROUND + 1;
  verifier = demo_verifier(demo, argc > 3 ? "{\"cryptography\":\"portable\"}" : "");
  path = with_demo("%s/blob/notes.txt.jws.sig", demo);
  envelope = read_file(path);
  free(path);
  path = with_demo("%s/blob/notes.txt", demo);
  blob = read_file(path);
  free(path);
  layout = with_demo(LAYOUT_REQUEST, demo);
  /* Caches fill once. */
  for (i = 0; i < rounds / 5; i++) {
    round_of_calls(verifier, envelope, blob, layout);
  }
  before = mallinfo2().uordblks;
  for (i = 0; i < rounds; i++) {
    round_of_calls(verifier, envelope, blob, layout);
  }
  after = mallinfo2().uordblks;
  printf("leaks: %ld calls, %lu octets in use before, %lu after\n", rounds * CALLS_A_ROUND,
         (unsigned long)before, (unsigned long)after);
  /* The smallest piece of memory takes 32 octets, so one that is lost in each round
     would be seen. */
  CHECK(after < before + 30 * (size_t)rounds);
  free(layout);
  free(blob.data);
  free(envelope.data);
  nv_verifier_free(&verifier);
  return 0;
}
