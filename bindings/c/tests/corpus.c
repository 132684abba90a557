/*
 * Runs cases of the corpus for `corpus.rs`, which lays them out on disk: a job after
 * the other on standard input, an answer for each on standard output.
 *
 * A job is a number of fields, "name length\n" and that many octets and "\n", and a
 * line "go". An answer is "status length\n" and so many octets of JSON and "\n".
 */
#include "check.h"

#include <inttypes.h>

enum { MAX_FIELDS = 256 };

typedef struct field {
  char name[32];
  char *value;
  size_t len;
} field;

static field fields[MAX_FIELDS];
static size_t field_count;

static int read_job(void) {
  char line[64];
  field_count = 0;
  while (fgets(line, sizeof(line), stdin) != NULL) {
    field *next = &fields[field_count];
    if (strcmp(line, "go\n") == 0) {
      return 1;
    }
    CHECK(field_count < MAX_FIELDS);
    CHECK(sscanf(line, "%31s %zu", next->name, &next->len) == 2);
    next->value = malloc(next->len + 1);
    CHECK(next->value != NULL);
    CHECK(fread(next->value, 1, next->len, stdin) == next->len && getchar() == '\n');
    next->value[next->len] = '\0';
    field_count++;
  }
  return 0;
}

static void free_job(void) {
  while (field_count > 0) {
    free(fields[--field_count].value);
  }
}

static const field *get(const char *name) {
  static const field NONE = {"", NULL, 0};
  size_t i;
  for (i = 0; i < field_count; i++) {
    if (strcmp(fields[i].name, name) == 0) {
      return &fields[i];
    }
  }
  return &NONE;
}

static void reply(nv_status status, nv_str json) {
  printf("%" PRIu32 " %zu\n", status, json.len);
  fwrite(json.data, 1, json.len, stdout);
  putchar('\n');
  fflush(stdout);
}

/* Pairs of fields "url" and "file", "failed" or "zeros", one after the other. */
static void supply(nv_session *session, const nv_need *need) {
  nv_error *error = NULL;
  size_t i;
  for (i = 0; i + 1 < field_count; i++) {
    const field *answer = &fields[i + 1];
    if (strcmp(fields[i].name, "url") != 0 || fields[i].len != need->what.len ||
        memcmp(fields[i].value, need->what.data, need->what.len) != 0) {
      continue;
    }
    if (strcmp(answer->name, "failed") == 0) {
      CHECK_STATUS(NV_DONE, nv_session_supply_failed(session, need->id, answer->value,
                                                     answer->len, &error));
    } else if (strcmp(answer->name, "zeros") == 0) {
      size_t count = (size_t)strtoul(answer->value, NULL, 10);
      uint8_t *zeros = calloc(count + 1, 1);
      CHECK(zeros != NULL);
      CHECK_STATUS(NV_DONE, nv_session_supply_content(session, need->id, NULL, 0, zeros,
                                                      count, &error));
      free(zeros);
    } else {
      file content = read_file(answer->value);
      CHECK(strcmp(answer->name, "file") == 0 && need->method.len > 0);
      CHECK_STATUS(NV_DONE, nv_session_supply_http(session, need->id, 200, NULL, 0,
                                                   content.data, content.len, &error));
      free(content.data);
    }
    return;
  }
  CHECK_STATUS(NV_DONE,
               nv_session_supply_failed(session, need->id,
                                        TEXT("the connection was refused"), &error));
}

static void drive(nv_session *session) {
  nv_error *error = NULL;
  nv_report *report = NULL;
  nv_status status;
  while ((status = nv_session_step(session, &error)) == NV_NEEDS) {
    while (nv_session_need_count(session) > 0) {
      nv_need need;
      CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
      if (need.kind == NV_NEED_BLOB_DIGEST) {
        file blob = read_file(get("blob")->value);
        CHECK_STATUS(NV_DONE, nv_session_supply_blob(session, need.id, blob.data, blob.len,
                                                     &error));
        free(blob.data);
      } else {
        CHECK(need.kind == NV_NEED_OCSP || need.kind == NV_NEED_CRL);
        supply(session, &need);
      }
    }
  }
  CHECK_STATUS(status, nv_session_report(session, &report, &error));
  CHECK(nv_report_status(report) == status);
  CHECK((nv_report_reason(report).len == 0) == (status == NV_TRUSTED));
  CHECK((nv_report_digest(report).len > 0) == (status == NV_TRUSTED));
  reply(status, nv_report_json(report));
  nv_report_free(&report);
  nv_session_free(&session);
}

static void run_job(void) {
  const char *call = get("call")->value;
  const field *request = get("request");
  const field *config = get("config");
  nv_error *error = NULL;
  nv_verifier *verifier = NULL;
  nv_report *report = NULL;
  nv_session *session = NULL;
  file envelope = {NULL, 0};
  nv_status status = nv_verifier_from_directory(config->value, config->len, NULL, 0,
                                                &verifier, &error);
  if (status == NV_DONE) {
    if (get("envelope")->value != NULL) {
      envelope = read_file(get("envelope")->value);
    }
    if (strcmp(call, "describe") == 0) {
      reply(status, nv_verifier_description_json(verifier));
    } else if (strcmp(call, "layout") == 0) {
      status = nv_verify_layout(verifier, request->value, request->len, &report, &error);
      if (report != NULL) {
        CHECK(nv_report_status(report) == status);
        reply(status, nv_report_json(report));
        nv_report_free(&report);
      }
    } else if (strcmp(call, "blob") == 0) {
      status = nv_session_for_blob(verifier, request->value, request->len, envelope.data,
                                   envelope.len, &session, &error);
    } else {
      CHECK(strcmp(call, "envelope") == 0);
      status = nv_session_for_envelope(verifier, request->value, request->len,
                                       envelope.data, envelope.len, &session, &error);
    }
    if (session != NULL) {
      CHECK(status == NV_DONE);
      drive(session);
    }
  }
  if (error != NULL) {
    CHECK(status >= 64 && status != NV_ERROR_INTERNAL);
    CHECK(nv_error_status(error) == status && nv_error_message(error).len > 0);
    reply(status, nv_error_json(error));
    nv_error_free(&error);
  }
  free(envelope.data);
  nv_verifier_free(&verifier);
}

int main(void) {
  while (read_job()) {
    run_job();
    free_job();
  }
  return 0;
}
