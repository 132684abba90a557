/*
 * The signing side of an image build by whole calls: payloads from image-info.json, a
 * signing service that is another process and signs files in place, signatures attached,
 * images verified.
 *
 *   signing CONFIG REGISTRY IMAGE_INFO FOLDER SIGN [PASSWORD]
 *
 * IMAGE_INFO names a manifest list and its two images, in another registry and without
 * the prefix "staging/". FOLDER is new; the command SIGN signs the payloads in
 * FOLDER/payloads in place with a key that CONFIG trusts. With PASSWORD the registry
 * asks for the account robot. Prints a line for each signature: the image's repository
 * and digest, the digest of the signature manifest, the thumbprints of the envelope.
 */
#include "check.h"

#include <pthread.h>

enum { IMAGES = 3, THREADS = 16 };

static const char *folder;
static const char *registry;
static const char *image_info;

static char *allocated(size_t len) {
  char *text = malloc(len);
  CHECK(text != NULL);
  return text;
}

static char *payload_request(const char *more) {
  char *text = allocated(strlen(folder) + strlen(registry) + strlen(image_info) +
                         strlen(more) + 256);
  sprintf(text,
          "{\"directory\":\"%s/payloads\",\"from\":\"%s\",\"registryOverride\":\"%s\","
          "\"repoPrefix\":\"staging/\",\"userMetadata\":{\"build\":\"7\"}%s}",
          folder, image_info, registry, more);
  return text;
}

static char *map_request(const char *more) {
  char *text = allocated(strlen(folder) + strlen(more) + 256);
  sprintf(text, "{\"map\":\"%s/payloads/payload-map.json\",\"settleMs\":300%s}", folder,
          more);
  return text;
}

/* What a callback has seen. */
typedef struct seen {
  size_t calls;
  size_t in_state[66];
  char reference[IMAGES][256];
  char digest[IMAGES][80];
  char payload[IMAGES][128];
  char signature[IMAGES][80];
  char why[512];
  const nv_cancel *cancel;
} seen;

static void copy(char *to, size_t room, nv_str text) {
  CHECK(text.len < room && text.data[text.len] == 0);
  memcpy(to, text.data, text.len + 1);
}

static void see(void *context, const nv_signing_result *result) {
  seen *all = context;
  CHECK(result->index < IMAGES && result->state < 66);
  CHECK((result->state >= NV_SIGNING_FAILED) == (result->error != NULL));
  if (result->state == NV_SIGNING_NOT_DONE) {
    CHECK(nv_error_status(result->error) == NV_ERROR_CANCELLED);
  } else {
    CHECK(result->elapsed_ns > 0);
  }
  copy(all->reference[result->index], sizeof(all->reference[0]), result->reference);
  copy(all->digest[result->index], sizeof(all->digest[0]), result->digest);
  copy(all->payload[result->index], sizeof(all->payload[0]), result->payload);
  copy(all->signature[result->index], sizeof(all->signature[0]), result->signature);
  if (result->error != NULL) {
    copy(all->why, sizeof(all->why), nv_error_message(result->error));
  }
  all->calls++;
  all->in_state[result->state]++;
  nv_cancel_now(all->cancel);
}

/* All images ended in `state`; by the callback, the counts and the document. */
static void all_in(const seen *all, nv_signing_report **report, nv_signing_state state) {
  char name[64];
  const char *document = nv_signing_report_json(*report).data;
  const char *at = document;
  size_t named = 0;
  if (all->in_state[state] != IMAGES) {
    fprintf(stderr, "not all are %s: %s\n", nv_signing_state_name(state), document);
  }
  CHECK(all->calls == IMAGES && all->in_state[state] == IMAGES);
  CHECK(nv_signing_report_count(*report, state) == IMAGES);
  CHECK(nv_signing_report_count(*report, 9999) == 0);
  sprintf(name, "\"status\":\"%s\"", nv_signing_state_name(state));
  while ((at = strstr(at, name)) != NULL) {
    named++;
    at++;
  }
  CHECK(named == IMAGES);
  CHECK(strstr(document, "\"schemaVersion\":1") != NULL);
  nv_signing_report_free(report);
  CHECK(*report == NULL);
}

static void payloads(const nv_verifier *verifier, const char *more, nv_signing_state state,
                     seen *all) {
  nv_error *error = NULL;
  nv_signing_report *report = NULL;
  char *request = payload_request(more);
  memset(all, 0, sizeof(*all));
  CHECK_STATUS(state < NV_SIGNING_FAILED ? NV_DONE : NV_NOT_ALL_DONE,
               nv_write_payloads(verifier, TEXT(request), NULL, see, all, &report, &error));
  CHECK(strstr(nv_signing_report_json(report).data, "\"kind\":\"payloads\"") != NULL);
  all_in(all, &report, state);
  free(request);
}

static void attach(const nv_verifier *verifier, const char *more, nv_signing_state state,
                   seen *all) {
  nv_error *error = NULL;
  nv_signing_report *report = NULL;
  char *request = map_request(more);
  memset(all, 0, sizeof(*all));
  CHECK_STATUS(state < NV_SIGNING_FAILED ? NV_DONE : NV_NOT_ALL_DONE,
               nv_attach_signatures(verifier, TEXT(request), NULL, see, all, &report,
                                    &error));
  CHECK(strstr(nv_signing_report_json(report).data, "\"kind\":\"attached\"") != NULL);
  all_in(all, &report, state);
  free(request);
}

static nv_status resolved(const nv_verifier *verifier, const char *reference,
                          nv_descriptor **descriptor) {
  nv_error *error = NULL;
  char text[512];
  nv_status status;
  sprintf(text, "{\"reference\":\"%s\",\"timeoutMs\":120000}", reference);
  status = nv_resolve_image(verifier, TEXT(text), NULL, descriptor, &error);
  CHECK((status >= 64) == (error != NULL) && (status >= 64) == (*descriptor == NULL));
  nv_error_free(&error);
  return status;
}

static void resolve(const nv_verifier *verifier, const char *digest) {
  nv_error *error = NULL;
  nv_descriptor *tag = NULL;
  nv_descriptor *same = NULL;
  nv_cancel *cancel = NULL;
  char text[512];
  sprintf(text, "%s/staging/dotnet/app:list", registry);
  CHECK(resolved(verifier, text, &tag) == NV_DONE);
  CHECK(strcmp(nv_descriptor_digest(tag).data, digest) == 0);
  CHECK(strcmp(nv_descriptor_media_type(tag).data,
               "application/vnd.oci.image.index.v1+json") == 0);
  CHECK(nv_descriptor_size(tag) > 100);
  CHECK(strstr(nv_descriptor_json(tag).data, digest) != NULL);
  copy(text, sizeof(text), nv_descriptor_reference(tag));
  CHECK(strstr(text, digest) != NULL);
  CHECK(resolved(verifier, text, &same) == NV_DONE);
  CHECK(nv_descriptor_size(same) == nv_descriptor_size(tag));
  nv_descriptor_free(&tag);
  nv_descriptor_free(&same);
  CHECK(tag == NULL && nv_descriptor_size(tag) == -1);

  /* Absent is known, a failed look-up is not. */
  sprintf(text, "%s/staging/dotnet/app:none", registry);
  CHECK(resolved(verifier, text, &tag) == NV_ERROR_ARTIFACT);
  CHECK(resolved(verifier, "127.0.0.1:9/staging/dotnet/app:list", &tag) == NV_ERROR_IO);

  sprintf(text, "{\"reference\":\"%s/staging/dotnet/app:list\"}", registry);
  CHECK_STATUS(NV_DONE, nv_cancel_new(&cancel, &error));
  nv_cancel_now(cancel);
  CHECK_STATUS(NV_ERROR_CANCELLED,
               nv_resolve_image(verifier, TEXT(text), cancel, &tag, &error));
  nv_cancel_free(&cancel);
  sprintf(text, "{\"reference\":\"%s/staging/dotnet/app:list\",\"timeoutMs\":0}", registry);
  CHECK_STATUS(NV_ERROR_CANCELLED,
               nv_resolve_image(verifier, TEXT(text), NULL, &tag, &error));
  CHECK(tag == NULL);
}

/* Calls that end before they are through say so of every image. */
static void cancelled(const nv_verifier *verifier, int before) {
  nv_error *error = NULL;
  nv_signing_report *report = NULL;
  nv_cancel *cancel = NULL;
  seen all;
  char *payload = payload_request(",\"concurrency\":1");
  char *attachment = map_request(",\"concurrency\":1");
  size_t round;
  for (round = 0; round < 2; round++) {
    CHECK_STATUS(NV_DONE, nv_cancel_new(&cancel, &error));
    memset(&all, 0, sizeof(all));
    all.cancel = cancel;
    if (before) {
      nv_cancel_now(cancel);
    }
    /* The payloads last: of a call that ended early their map has less. */
    if (round == 1) {
      nv_status status = nv_write_payloads(verifier, TEXT(payload), cancel, see, &all,
                                           &report, &error);
      CHECK(status == NV_ERROR_CANCELLED || (!before && status == NV_DONE));
    } else {
      nv_status status = nv_attach_signatures(verifier, TEXT(attachment), cancel, see, &all,
                                              &report, &error);
      CHECK(status == NV_ERROR_CANCELLED || (!before && status == NV_DONE));
    }
    CHECK(all.calls == IMAGES && (error == NULL) == (report != NULL));
    CHECK((all.in_state[NV_SIGNING_NOT_DONE] > 0) == (error != NULL));
    CHECK(!before || all.in_state[NV_SIGNING_NOT_DONE] == IMAGES);
    nv_error_free(&error);
    nv_signing_report_free(&report);
    nv_cancel_free(&cancel);
  }
  free(payload);
  free(attachment);
}

/* A time that is over is not a cancelled call. */
static void out_of_time(const nv_verifier *verifier) {
  seen all;
  attach(verifier, ",\"timeoutMs\":0", NV_SIGNING_NOT_DONE, &all);
  payloads(verifier, ",\"timeoutMs\":0", NV_SIGNING_NOT_DONE, &all);
  CHECK(strstr(all.why, "time-out") != NULL);
}

/* What an image of one call is told by, from many threads. */
static const nv_verifier *shared;

static void *attach_too(void *number) {
  seen all;
  nv_error *error = NULL;
  nv_signing_report *report = NULL;
  nv_descriptor *descriptor = NULL;
  char text[512];
  char *request = map_request("");
  nv_status status;
  memset(&all, 0, sizeof(all));
  sprintf(text, "{\"reference\":\"%s/staging/dotnet/app:list\"}", registry);
  if (nv_resolve_image(shared, TEXT(text), NULL, &descriptor, NULL) != NV_DONE) {
    fprintf(stderr, "thread %d cannot resolve\n", (int)(size_t)number);
    abort();
  }
  nv_descriptor_free(&descriptor);
  status = nv_attach_signatures(shared, TEXT(request), NULL, NULL, NULL, &report, &error);
  if (status != NV_DONE ||
      nv_signing_report_count(report, NV_SIGNING_ATTACHED) +
              nv_signing_report_count(report, NV_SIGNING_ALREADY_ATTACHED) !=
          IMAGES) {
    fprintf(stderr, "thread %d: %s\n", (int)(size_t)number, nv_error_message(error).data);
    abort();
  }
  nv_signing_report_free(&report);
  free(request);
  return NULL;
}

static void verify(const nv_verifier *verifier, const seen *all, const char *build,
                   nv_status wanted) {
  nv_error *error = NULL;
  nv_report *report = NULL;
  char text[512];
  size_t i;
  for (i = 0; i < IMAGES; i++) {
    sprintf(text, "{\"reference\":\"%s\",\"userMetadata\":{\"build\":\"%s\"}}",
            all->reference[i], build);
    CHECK_STATUS(wanted, nv_verify_image(verifier, TEXT(text), NULL, &report, &error));
    if (wanted == NV_TRUSTED) {
      CHECK(strcmp(nv_report_digest(report).data, all->digest[i]) == 0);
      CHECK(strstr(nv_report_json(report).data, all->signature[i]) != NULL);
    }
    nv_report_free(&report);
  }
}

/* One line for each signature, and that pairs do what the map does. */
static void signatures(const nv_verifier *verifier, const seen *written,
                       const seen *attached) {
  nv_error *error = NULL;
  nv_signing_report *report = NULL;
  nv_thumbprints *thumbprints = NULL;
  char path[1024];
  char *request = allocated(IMAGES * 2048);
  char *end = request + sprintf(request, "{\"pairs\":[");
  seen all;
  size_t i;
  for (i = 0; i < IMAGES; i++) {
    file envelope;
    sprintf(path, "%s/payloads/%s", folder, written->payload[i]);
    envelope = read_file(path);
    CHECK_STATUS(NV_DONE, nv_envelope_thumbprints(verifier, envelope.data, envelope.len,
                                                  &thumbprints, &error));
    printf("signature %s %s %s\n", written->digest[i], attached->signature[i],
           nv_thumbprints_json(thumbprints).data);
    nv_thumbprints_free(&thumbprints);
    free(envelope.data);
    end += sprintf(end, "%s{\"reference\":\"%s\",\"envelope\":\"%s\"}", i == 0 ? "" : ",",
                   written->reference[i], path);
  }
  sprintf(end, "]}");
  memset(&all, 0, sizeof(all));
  CHECK_STATUS(NV_DONE, nv_attach_signatures(verifier, TEXT(request), NULL, see, &all,
                                             &report, &error));
  for (i = 0; i < IMAGES; i++) {
    CHECK(strcmp(all.signature[i], attached->signature[i]) == 0);
  }
  all_in(&all, &report, NV_SIGNING_ALREADY_ATTACHED);
  free(request);
}

static void answer(void *context, const char *of, size_t of_len,
                   nv_credential *credential) {
  nv_error *error = NULL;
  CHECK(of_len == strlen(registry) && strcmp(of, registry) == 0);
  CHECK_STATUS(NV_DONE, nv_credential_set_password(credential, TEXT("robot"),
                                                   TEXT((const char *)context), &error));
}

static nv_verifier *verifier_of(const char *config, char *password) {
  nv_error *error = NULL;
  nv_verifier *verifier = NULL;
  CHECK_STATUS(NV_DONE,
               nv_verifier_from_directory(
                   TEXT(config), TEXT("{\"registry\":{\"attempts\":2,\"credentials\":\"none\"}}"),
                   &verifier, &error));
  if (password != NULL) {
    CHECK_STATUS(NV_DONE,
                 nv_verifier_set_credential_callback(verifier, answer, password, &error));
  }
  return verifier;
}

int main(int argc, char **argv) {
  seen written;
  seen all;
  nv_verifier *verifier;
  pthread_t threads[THREADS];
  char *password;
  size_t i;
  CHECK(argc == 6 || argc == 7);
  registry = argv[2];
  image_info = argv[3];
  folder = argv[4];
  password = argc == 7 ? argv[6] : NULL;
  if (password != NULL) {
    /* Nobody may look, and a wrong account may not either. */
    verifier = verifier_of(argv[1], NULL);
    payloads(verifier, "", NV_SIGNING_FAILED, &all);
    nv_verifier_free(&verifier);
    verifier = verifier_of(argv[1], argv[1]);
    payloads(verifier, "", NV_SIGNING_FAILED, &all);
    CHECK(strstr(all.why, argv[1]) == NULL);
    nv_verifier_free(&verifier);
  }
  verifier = verifier_of(argv[1], password);
  payloads(verifier, "", NV_SIGNING_WRITTEN, &written);
  resolve(verifier, written.digest[0]);
  cancelled(verifier, 1);
  payloads(verifier, "", NV_SIGNING_KEPT, &all);
  out_of_time(verifier);
  payloads(verifier, "", NV_SIGNING_KEPT, &all);
  /* Nothing is attached before it is signed. */
  attach(verifier, "", NV_SIGNING_FAILED, &all);
  CHECK(strstr(all.why, "not signed yet") != NULL);
  verify(verifier, &all, "7", NV_UNSIGNED);

  CHECK(system(argv[5]) == 0);
  payloads(verifier, "", NV_SIGNING_SIGNED, &written);
  payloads(verifier, ",\"skipValid\":true", NV_SIGNING_SIGNED, &all);
  attach(verifier, ",\"dryRun\":true", NV_SIGNING_WOULD_ATTACH, &all);
  verify(verifier, &written, "7", NV_UNSIGNED);
  cancelled(verifier, 1);
  payloads(verifier, "", NV_SIGNING_SIGNED, &written);

  /* Many at once lose nothing, and it is one signature an image. */
  shared = verifier;
  for (i = 0; i < THREADS; i++) {
    CHECK(pthread_create(&threads[i], NULL, attach_too, (void *)i) == 0);
  }
  for (i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  attach(verifier, "", NV_SIGNING_ALREADY_ATTACHED, &all);
  verify(verifier, &all, "7", NV_TRUSTED);
  verify(verifier, &all, "8", NV_REJECTED);
  signatures(verifier, &written, &all);
  cancelled(verifier, 0);

  /* What is signed well gets no payload, and an empty map attaches nothing. */
  payloads(verifier, ",\"skipValid\":true", NV_SIGNING_VALID, &all);
  {
    nv_error *error = NULL;
    nv_signing_report *report = NULL;
    char *request = map_request("");
    memset(&all, 0, sizeof(all));
    CHECK_STATUS(NV_DONE, nv_attach_signatures(verifier, TEXT(request), NULL, see, &all,
                                               &report, &error));
    CHECK(all.calls == 0);
    nv_signing_report_free(&report);
    free(request);
  }
  nv_verifier_free(&verifier);
  printf("signing: %d checks\n", checks_done);
  return 0;
}
