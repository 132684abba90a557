/*
 * 64 threads verify with one verifier, read one report, and fight for one session.
 *
 *   threads DEMO
 */
#include "check.h"

#include <pthread.h>

enum { THREADS = 64, ROUNDS = 8 };

static const char *demo;
static const nv_verifier *verifier;
static const nv_report *shared;
static nv_session *contended;

static void fail(const char *what) {
  fprintf(stderr, "threads: %s\n", what);
  abort();
}

static void *work(void *number) {
  char *request = with_demo(LAYOUT_REQUEST, demo);
  char *tampered = with_demo("{\"path\":\"%s/tampered\",\"scope\":"
                             "\"registry.example/demo/app\",\"reference\":\"v1\"}",
                             demo);
  size_t round;
  for (round = 0; round < ROUNDS; round++) {
    nv_report *report = NULL;
    int bad = (round + (size_t)number) % 2 == 1;
    const char *what = bad ? tampered : request;
    nv_status wanted = bad ? NV_REJECTED : NV_TRUSTED;
    nv_status status;
    if (nv_verify_layout(verifier, TEXT(what), &report, NULL) != wanted) {
      fail("another verdict");
    }
    if (nv_report_json(report).len == 0 || nv_report_status(report) != wanted) {
      fail("no report");
    }
    nv_report_free(&report);
    if (nv_report_json(shared).data != nv_report_json(shared).data ||
        nv_report_status(shared) != NV_TRUSTED) {
      fail("the shared report changed");
    }
    status = nv_session_step(contended, NULL);
    if (status != NV_NEEDS && status != NV_ERROR_STATE) {
      fail("a contended session");
    }
  }
  free(request);
  free(tampered);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  nv_error *error = NULL;
  nv_verifier *own;
  nv_report *report = NULL;
  char *request;
  size_t i;
  CHECK(argc >= 2);
  demo = argv[1];
  own = demo_verifier(demo, argc > 2 ? "{\"cryptography\":\"portable\"}" : "");
  verifier = own;
  request = with_demo(LAYOUT_REQUEST, demo);
  CHECK_STATUS(NV_TRUSTED, nv_verify_layout(verifier, TEXT(request), &report, &error));
  shared = report;
  CHECK_STATUS(NV_DONE,
               nv_session_for_image(verifier,
                                    TEXT("{\"reference\":\"registry.example/demo/app:v1\"}"),
                                    &contended, &error));
  for (i = 0; i < THREADS; i++) {
    CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
  }
  for (i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  /* Nobody broke the session. */
  CHECK_STATUS(NV_NEEDS, nv_session_step(contended, &error));
  nv_session_free(&contended);
  nv_report_free(&report);
  nv_verifier_free(&own);
  free(request);
  printf("threads: %d threads, %d verifications\n", THREADS, THREADS * ROUNDS);
  return 0;
}
