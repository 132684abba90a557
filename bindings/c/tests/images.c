/*
 * Whole calls for images in registries: one, many, cancelled, with credentials.
 *
 *   images CONFIG OPEN GUARDED
 *
 * OPEN and GUARDED are the hosts of two registries with the repository demo/app: `v1`
 * is trusted, `tampered` is not, `v9` does not exist. GUARDED asks for the account
 * robot, "open sesame".
 */
#include "check.h"

enum { MANY = 60 };

static const char *config;

static nv_verifier *verifier_with(const char *options) {
  nv_error *error = NULL;
  nv_verifier *verifier = NULL;
  CHECK_STATUS(NV_DONE, nv_verifier_from_directory(TEXT(config), TEXT(options), &verifier,
                                                   &error));
  return verifier;
}

static char *reference(const char *host, const char *tag) {
  static char text[256];
  sprintf(text, "{\"reference\":\"%s/demo/app:%s\",\"timeoutMs\":60000}", host, tag);
  return text;
}

static nv_status verify(const nv_verifier *verifier, const char *host, const char *tag,
                        nv_report **report) {
  nv_error *error = NULL;
  const char *request = reference(host, tag);
  nv_status status = nv_verify_image(verifier, TEXT(request), NULL, report, &error);
  CHECK((status >= 64) == (error != NULL));
  nv_error_free(&error);
  return status;
}

static void one(const char *host) {
  nv_verifier *verifier = verifier_with("");
  nv_report *report = NULL;
  CHECK(verify(verifier, host, "v1", &report) == NV_TRUSTED);
  CHECK(strncmp(nv_report_digest(report).data, "sha256:77ccdf3a", 15) == 0);
  nv_report_free(&report);
  CHECK(verify(verifier, host, "tampered", &report) == NV_REJECTED);
  CHECK(strcmp(nv_report_reason(report).data, "target-mismatch") == 0);
  nv_report_free(&report);
  CHECK(verify(verifier, host, "v9", &report) == NV_LOOKUP_FAILED);
  nv_report_free(&report);
  nv_verifier_free(&verifier);
}

/* What the callback has seen. */
typedef struct seen {
  size_t calls;
  size_t trusted;
  size_t rejected;
  size_t failed;
  size_t cancelled;
  unsigned char index[MANY];
  int in_order;
  nv_report *kept;
  const nv_cancel *cancel_after_first;
} seen;

static void see(void *context, const nv_image_result *result) {
  seen *all = context;
  nv_error *error = NULL;
  CHECK(result->index < MANY && !all->index[result->index]);
  CHECK((result->report == NULL) != (result->error == NULL));
  CHECK(strstr(result->name.data, "/demo/app:") != NULL);
  if (result->index != all->calls) {
    all->in_order = 0;
  }
  all->index[result->index] = 1;
  all->calls++;
  switch (result->status) {
  case NV_TRUSTED:
    all->trusted++;
    CHECK(nv_report_status(result->report) == NV_TRUSTED && result->elapsed_ns > 0);
    if (all->kept == NULL) {
      CHECK_STATUS(NV_DONE, nv_report_copy(result->report, &all->kept, &error));
    }
    break;
  case NV_REJECTED:
    all->rejected++;
    break;
  case NV_LOOKUP_FAILED:
    all->failed++;
    break;
  case NV_ERROR_CANCELLED:
    all->cancelled++;
    CHECK(nv_error_message(result->error).len > 0);
    break;
  default:
    CHECK(0);
  }
  nv_cancel_now(all->cancel_after_first);
}

/* A list of `count` images: each third tag of `tags` in turn. */
static char *list(const char *host, size_t count, const char *const tags[3],
                  const char *more) {
  char *text = malloc(count * 128 + 256);
  char *end = text;
  size_t i;
  CHECK(text != NULL);
  end += sprintf(end, "{\"images\":[");
  for (i = 0; i < count; i++) {
    end += sprintf(end, "%s{\"reference\":\"%s/demo/app:%s\"}", i == 0 ? "" : ",", host,
                   tags[i % 3]);
  }
  sprintf(end, "]%s}", more);
  return text;
}

static void many(const char *host) {
  static const char *const MIXED[3] = {"v1", "tampered", "v9"};
  static const char *const GOOD[3] = {"v1", "v1", "v1"};
  nv_verifier *verifier = verifier_with("");
  nv_cancel *cancel = NULL;
  nv_error *error = NULL;
  seen all;
  char *request;

  memset(&all, 0, sizeof(all));
  request = list(host, MANY, MIXED, ",\"concurrency\":4,\"defaults\":{\"maxSignatures\":3}");
  CHECK_STATUS(NV_NOT_ALL_TRUSTED,
               nv_verify_images(verifier, TEXT(request), NULL, see, &all, &error));
  CHECK(all.calls == MANY && all.trusted == MANY / 3 && all.rejected == MANY / 3);
  CHECK(all.failed == MANY / 3);
  /* The copy outlives what was lent. */
  CHECK(nv_report_status(all.kept) == NV_TRUSTED && nv_report_json(all.kept).len > 0);
  nv_report_free(&all.kept);
  free(request);

  memset(&all, 0, sizeof(all));
  all.in_order = 1;
  request = list(host, MANY, GOOD, ",\"order\":\"as-given\"");
  CHECK_STATUS(NV_TRUSTED,
               nv_verify_images(verifier, TEXT(request), NULL, see, &all, &error));
  CHECK(all.calls == MANY && all.trusted == MANY && all.in_order);
  nv_report_free(&all.kept);

  /* Cancelled from the callback: it is still called for each. */
  memset(&all, 0, sizeof(all));
  CHECK_STATUS(NV_DONE, nv_cancel_new(&cancel, &error));
  all.cancel_after_first = cancel;
  CHECK_STATUS(NV_ERROR_CANCELLED,
               nv_verify_images(verifier, TEXT(request), cancel, see, &all, &error));
  CHECK(all.calls == MANY && all.cancelled > 0 && all.trusted > 0);
  nv_report_free(&all.kept);

  /* And before it starts. */
  memset(&all, 0, sizeof(all));
  CHECK_STATUS(NV_ERROR_CANCELLED,
               nv_verify_images(verifier, TEXT(request), cancel, see, &all, &error));
  CHECK(all.calls == MANY && all.cancelled == MANY);
  free(request);
  request = reference(host, "v1");
  CHECK_STATUS(NV_ERROR_CANCELLED,
               nv_verify_image(verifier, TEXT(request), cancel, &all.kept, &error));
  CHECK(all.kept == NULL);
  nv_cancel_free(&cancel);

  /* Misuse. */
  CHECK_STATUS(NV_ERROR_USAGE, nv_verify_images(verifier, TEXT("{\"images\":[]}"), NULL,
                                                see, &all, &error));
  CHECK_STATUS(NV_ERROR_USAGE, nv_verify_images(verifier, TEXT("{\"images\":[{}]}"), NULL,
                                                see, &all, &error));
  CHECK_STATUS(NV_ERROR_USAGE,
               nv_verify_images(verifier,
                                TEXT("{\"images\":[{\"reference\":\"a.example/b:c\","
                                     "\"at\":\"2026-01-01T00:00:00Z\"}]}"),
                                NULL, see, &all, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verify_images(verifier, TEXT("{}"), NULL, NULL, NULL, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verify_images(NULL, TEXT("{}"), NULL, see, &all, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_cancel_new(NULL, &error));
  nv_cancel_now(NULL);
  nv_cancel_free(NULL);
  nv_verifier_free(&verifier);
}

/* How the program answers, and how often it was asked. */
typedef struct account {
  const char *host;
  const char *password;
  const char *why;
  int asked;
} account;

static void answer(void *context, const char *registry, size_t registry_len,
                   nv_credential *credential) {
  account *own = context;
  nv_error *error = NULL;
  own->asked++;
  CHECK(registry_len == strlen(own->host) && strcmp(registry, own->host) == 0);
  if (own->why != NULL) {
    CHECK_STATUS(NV_DONE, nv_credential_set_failed(credential, TEXT(own->why), &error));
  } else if (own->password != NULL) {
    CHECK_STATUS(NV_DONE, nv_credential_set_password(credential, TEXT("robot"),
                                                     TEXT(own->password), &error));
  }
}

static void guarded(const char *host, const char *password, const char *why,
                    nv_status wanted) {
  nv_error *error = NULL;
  nv_report *report = NULL;
  nv_verifier *verifier = verifier_with("{\"registry\":{\"attempts\":1}}");
  nv_status status;
  account own;
  own.host = host;
  own.password = password;
  own.why = why;
  own.asked = 0;
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verifier_set_credential_callback(verifier, NULL, NULL, &error));
  CHECK_STATUS(NV_DONE,
               nv_verifier_set_credential_callback(verifier, answer, &own, &error));
  status = verify(verifier, host, "v1", &report);
  if (status != wanted) {
    fprintf(stderr, "%s: %s\n", nv_status_name(status), nv_report_detail(report).data);
  }
  CHECK(status == wanted);
  CHECK(own.asked > 0);
  if (why != NULL) {
    CHECK(strstr(nv_report_detail(report).data, why) != NULL);
  }
  if (password != NULL) {
    CHECK(strstr(nv_report_json(report).data, password) == NULL);
  }
  nv_report_free(&report);
  CHECK_STATUS(NV_ERROR_STATE,
               nv_verifier_set_credential_callback(verifier, answer, &own, &error));
  nv_verifier_free(&verifier);
}

int main(int argc, char **argv) {
  nv_error *error = NULL;
  CHECK(argc == 4);
  config = argv[1];
  CHECK(sizeof(nv_image_result) == 24 + 4 * sizeof(void *));
  CHECK(offsetof(nv_image_result, status) == 16 && offsetof(nv_image_result, name) == 24);
  one(argv[2]);
  many(argv[2]);
  guarded(argv[3], "open sesame", NULL, NV_TRUSTED);
  guarded(argv[3], "open barley", NULL, NV_LOOKUP_FAILED);
  guarded(argv[3], NULL, NULL, NV_LOOKUP_FAILED);
  guarded(argv[3], NULL, "the safe is shut", NV_LOOKUP_FAILED);
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_credential_set_password(NULL, TEXT("a"), TEXT("b"),
                                                             &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_credential_set_identity_token(NULL, TEXT("a"), &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_credential_set_registry_token(NULL, TEXT("a"), &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_credential_set_failed(NULL, TEXT("a"), &error));
  printf("images: %d checks\n", checks_done);
  return 0;
}
