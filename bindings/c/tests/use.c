/*
 * The interface as a program uses it: whole calls and sessions, trust from a
 * directory and from memory, on the demo data.
 *
 *   use DEMO
 */
#include "check.h"

#define IMAGE "sha256:77ccdf3a62627be58d4c429a5712f0e8d53699505a9f4064bff80f4a54636274"
#define SIGNATURE "sha256:e2a3d22787cbb64b33ba9eed4e42adc7c991e389921b75a60a47640839535264"
#define ENVELOPE "sha256:7cb07a5c9822b777162a6e44266af6180c5cd4336c4e4695813335bf0bd572e0"

static const char *demo;

static int is(nv_str text, const char *wanted) {
  return text.len == strlen(wanted) && strcmp(text.data, wanted) == 0;
}

static int has(nv_str text, const char *wanted) { return strstr(text.data, wanted) != NULL; }

static file demo_file(const char *format) {
  char *path = with_demo(format, demo);
  file read = read_file(path);
  free(path);
  return read;
}

/* The content that a digest names, of the demo's layout. */
static file content(nv_str digest) {
  char path[512];
  CHECK(digest.len == 71 && strncmp(digest.data, "sha256:", 7) == 0);
  sprintf(path, "%s/layout/blobs/sha256/%s", demo, digest.data + 7);
  return read_file(path);
}

static void layouts(const nv_verifier *verifier) {
  nv_error *error = NULL;
  nv_report *report = NULL;
  char *request = with_demo(LAYOUT_REQUEST, demo);
  CHECK_STATUS(NV_TRUSTED, nv_verify_layout(verifier, TEXT(request), &report, &error));
  CHECK(nv_report_status(report) == NV_TRUSTED);
  CHECK(is(nv_report_digest(report), IMAGE));
  CHECK(is(nv_report_reason(report), "") && is(nv_report_detail(report), ""));
  CHECK(has(nv_report_json(report), "\"verdict\":\"trusted\""));
  CHECK(has(nv_report_json(report), "\"asOf\":\"now\""));
  CHECK(nv_report_json(report).len == strlen(nv_report_json(report).data));
  nv_report_free(&report);
  free(request);

  request = with_demo("{\"path\":\"%s/tampered\",\"scope\":\"registry.example/demo/app\","
                      "\"reference\":\"v1\",\"at\":\"2026-06-01T00:00:00Z\"}",
                      demo);
  CHECK_STATUS(NV_REJECTED, nv_verify_layout(verifier, TEXT(request), &report, &error));
  CHECK(is(nv_report_digest(report), ""));
  CHECK(is(nv_report_reason(report), "target-mismatch"));
  CHECK(has(nv_report_detail(report), "another artifact"));
  CHECK(nv_report_remedy(report).len > 0);
  CHECK(has(nv_report_json(report), "\"verifiedAt\":\"2026-06-01T00:00:00Z\""));
  CHECK(has(nv_report_json(report), "\"asOf\":\"given\""));
  nv_report_free(&report);
  free(request);

  request = with_demo("{\"path\":\"%s/layout\",\"scope\":\"registry.example/demo/app\","
                      "\"reference\":\"v2\"}",
                      demo);
  CHECK_STATUS(NV_LOOKUP_FAILED, nv_verify_layout(verifier, TEXT(request), &report, &error));
  CHECK(is(nv_report_reason(report), "lookup-failed"));
  CHECK(has(nv_report_detail(report), "v2"));
  nv_report_free(&report);
  free(request);

  request = with_demo("{\"path\":\"%s/layout\",\"scope\":\"registry.example/other\","
                      "\"reference\":\"v1\"}",
                      demo);
  CHECK(nv_verify_layout(verifier, TEXT(request), &report, &error) ==
        NV_ERROR_POLICY_NOT_APPLICABLE);
  CHECK(report == NULL && has(nv_error_json(error), "\"kind\":\"policy-not-applicable\""));
  CHECK(has(nv_error_message(error), "registry.example/other"));
  nv_error_free(&error);
  free(request);
}

static const char BLOB_REQUEST[] =
    "{\"envelopeMediaType\":\"application/jose+json\",\"name\":\"notes\"}";

static void blobs(const nv_verifier *verifier) {
  nv_error *error = NULL;
  nv_report *report = NULL;
  nv_session *session = NULL;
  nv_need need;
  file envelope = demo_file("%s/blob/notes.txt.jws.sig");
  file blob = demo_file("%s/blob/notes.txt");
  char *path = with_demo("%s/blob/notes.txt", demo);
  nv_str digest;

  CHECK_STATUS(NV_TRUSTED,
               nv_verify_blob(verifier, TEXT(BLOB_REQUEST), envelope.data, envelope.len,
                              blob.data, blob.len, &report, &error));
  digest = nv_report_digest(report);
  CHECK(strncmp(digest.data, "sha384:", 7) == 0 && digest.len == 7 + 96);
  nv_report_free(&report);

  CHECK_STATUS(NV_TRUSTED,
               nv_verify_blob_file(verifier, TEXT(BLOB_REQUEST), envelope.data,
                                   envelope.len, TEXT(path), &report, &error));
  nv_report_free(&report);
  CHECK_STATUS(NV_ERROR_IO,
               nv_verify_blob_file(verifier, TEXT(BLOB_REQUEST), envelope.data,
                                   envelope.len, TEXT("no such file"), &report, &error));

  CHECK_STATUS(NV_DONE, nv_session_for_blob(verifier, TEXT(BLOB_REQUEST), envelope.data,
                                            envelope.len, &session, &error));
  CHECK_STATUS(NV_NEEDS, nv_session_step(session, &error));
  CHECK(nv_session_need_count(session) == 1);
  CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
  CHECK(need.kind == NV_NEED_BLOB_DIGEST && is(need.what, "sha384"));
  CHECK(is(need.method, "") && is(need.url, "") && need.body.len == 0);
  CHECK(has(nv_session_needs_json(session), "\"kind\":\"blob-digest\""));
  CHECK_STATUS(NV_DONE,
               nv_session_supply_blob(session, need.id, blob.data, blob.len, &error));
  CHECK_STATUS(NV_TRUSTED, nv_session_step(session, &error));
  CHECK_STATUS(NV_TRUSTED, nv_session_report(session, &report, &error));
  nv_report_free(&report);
  nv_session_free(&session);

  /* Another blob, told by a digest that the host computed. */
  CHECK_STATUS(NV_DONE, nv_session_for_blob(verifier, TEXT(BLOB_REQUEST), envelope.data,
                                            envelope.len, &session, &error));
  CHECK_STATUS(NV_NEEDS, nv_session_step(session, &error));
  CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
  CHECK_STATUS(NV_ERROR_USAGE, nv_session_supply_blob_digest(
                                   session, need.id, blob.data, 20, blob.len, &error));
  CHECK_STATUS(NV_DONE, nv_session_supply_blob_digest(session, need.id, envelope.data, 48,
                                                      blob.len, &error));
  CHECK_STATUS(NV_REJECTED, nv_session_step(session, &error));
  nv_session_free(&session);

  blob.data[0] ^= 1;
  CHECK_STATUS(NV_REJECTED,
               nv_verify_blob(verifier, TEXT(BLOB_REQUEST), envelope.data, envelope.len,
                              blob.data, blob.len, &report, &error));
  CHECK(is(nv_report_reason(report), "target-mismatch"));
  nv_report_free(&report);
  free(path);
  free(blob.data);
  free(envelope.data);
}

static const char IMAGE_REQUEST[] =
    "{\"reference\":\"registry.example/demo/app:v1\"}";

/* Answers one need of an image from the demo's layout; `lie` spoils the envelope. */
static void answer(nv_session *session, const nv_need *need, int lie) {
  static const char PAGE[] =
      "{\"descriptors\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
      "\"artifactType\":\"application/vnd.cncf.notary.signature\",\"digest\":\"" SIGNATURE
      "\",\"size\":861}],\"next\":null}";
  nv_error *error = NULL;
  file found;
  switch (need->kind) {
  case NV_NEED_RESOLVE: {
    nv_str digest = {IMAGE, 71};
    CHECK(is(need->what, "v1"));
    found = content(digest);
    CHECK_STATUS(NV_DONE,
                 nv_session_supply_content(
                     session, need->id, TEXT("application/vnd.oci.image.manifest.v1+json"),
                     found.data, found.len, &error));
    free(found.data);
    break;
  }
  case NV_NEED_REFERRERS:
    CHECK(is(need->what, IMAGE));
    CHECK_STATUS(NV_DONE, nv_session_supply_referrers(session, need->id, TEXT(PAGE), &error));
    break;
  case NV_NEED_MANIFEST:
  case NV_NEED_ENVELOPE:
    CHECK(is(need->what, need->kind == NV_NEED_MANIFEST ? SIGNATURE : ENVELOPE));
    found = content(need->what);
    CHECK(found.len == need->max_bytes);
    found.data[found.len / 2] ^= (unsigned char)(need->kind == NV_NEED_ENVELOPE ? lie : 0);
    CHECK_STATUS(NV_DONE, nv_session_supply_content(session, need->id, NULL, 0, found.data,
                                                    found.len, &error));
    free(found.data);
    break;
  default:
    CHECK(0);
  }
}

static nv_status drive(const nv_verifier *verifier, int lie, nv_report **report) {
  nv_error *error = NULL;
  nv_session *session = NULL;
  nv_need need;
  nv_status status;
  CHECK_STATUS(NV_DONE,
               nv_session_for_image(verifier, TEXT(IMAGE_REQUEST), &session, &error));
  CHECK(nv_session_need_count(session) == 0);
  while ((status = nv_session_step(session, &error)) == NV_NEEDS) {
    CHECK(nv_session_need_count(session) > 0);
    while (nv_session_need_count(session) > 0) {
      CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
      answer(session, &need, lie);
    }
  }
  CHECK(error == NULL);
  CHECK(nv_session_report(session, report, &error) == status);
  nv_session_free(&session);
  return status;
}

static void sessions(const nv_verifier *verifier) {
  nv_error *error = NULL;
  nv_session *session = NULL;
  nv_report *report = NULL;
  nv_need need;

  CHECK(drive(verifier, 0, &report) == NV_TRUSTED);
  CHECK(is(nv_report_digest(report), IMAGE));
  nv_report_free(&report);
  CHECK(drive(verifier, 1, &report) == NV_REJECTED);
  CHECK(is(nv_report_reason(report), "content-mismatch"));
  nv_report_free(&report);

  /* What is not there, and what could not be fetched, are not the same. */
  CHECK_STATUS(NV_DONE,
               nv_session_for_image(verifier, TEXT(IMAGE_REQUEST), &session, &error));
  CHECK_STATUS(NV_NEEDS, nv_session_step(session, &error));
  CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
  answer(session, &need, 0);
  CHECK_STATUS(NV_NEEDS, nv_session_step(session, &error));
  CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
  CHECK_STATUS(NV_DONE, nv_session_supply_not_found(session, need.id, &error));
  CHECK_STATUS(NV_UNSIGNED, nv_session_step(session, &error));
  nv_session_free(&session);
  CHECK_STATUS(NV_DONE,
               nv_session_for_image(verifier, TEXT(IMAGE_REQUEST), &session, &error));
  CHECK_STATUS(NV_NEEDS, nv_session_step(session, &error));
  CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
  CHECK_STATUS(NV_DONE,
               nv_session_supply_failed(session, need.id, TEXT("the cable is cut"), &error));
  CHECK_STATUS(NV_LOOKUP_FAILED, nv_session_step(session, &error));
  CHECK_STATUS(NV_LOOKUP_FAILED, nv_session_report(session, &report, &error));
  CHECK(has(nv_report_detail(report), "the cable is cut"));
  nv_report_free(&report);
  nv_session_free(&session);
}

static void envelopes(const nv_verifier *verifier) {
  static const char REQUEST[] =
      "{\"reference\":\"registry.example/demo/app@" IMAGE "\","
      "\"envelopeMediaType\":\"application/cose\",\"target\":{\"mediaType\":"
      "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"" IMAGE "\",\"size\":395}}";
  nv_error *error = NULL;
  nv_report *report = NULL;
  nv_report *whole = NULL;
  nv_session *session = NULL;
  nv_str digest = {ENVELOPE, 71};
  file envelope = content(digest);
  CHECK_STATUS(NV_TRUSTED, nv_verify_envelope(verifier, TEXT(REQUEST), envelope.data,
                                              envelope.len, &whole, &error));
  CHECK(is(nv_report_digest(whole), IMAGE));
  CHECK_STATUS(NV_DONE, nv_session_for_envelope(verifier, TEXT(REQUEST), envelope.data,
                                                envelope.len, &session, &error));
  CHECK_STATUS(NV_TRUSTED, nv_session_step(session, &error));
  CHECK_STATUS(NV_TRUSTED, nv_session_report(session, &report, &error));
  CHECK(is(nv_report_digest(report), IMAGE));
  nv_report_free(&report);
  nv_report_free(&whole);
  nv_session_free(&session);
  envelope.data[envelope.len - 1] ^= 1;
  CHECK_STATUS(NV_REJECTED, nv_verify_envelope(verifier, TEXT(REQUEST), envelope.data,
                                               envelope.len, &report, &error));
  CHECK(is(nv_report_reason(report), "signature-mismatch"));
  nv_report_free(&report);
  free(envelope.data);
}

static nv_verifier *from_memory(const char *options) {
  nv_error *error = NULL;
  nv_verifier_builder *builder = NULL;
  nv_verifier *verifier = NULL;
  file oci = demo_file("%s/config/trustpolicy.json");
  file blob = demo_file("%s/config/trustpolicy.blob.json");
  file root = demo_file("%s/config/truststore/x509/ca/demo/demo-root-ca.pem");
  CHECK_STATUS(NV_DONE, nv_verifier_builder_new(TEXT(options), &builder, &error));
  CHECK_STATUS(NV_DONE,
               nv_verifier_builder_set_oci_policy(builder, oci.data, oci.len, &error));
  CHECK_STATUS(NV_DONE,
               nv_verifier_builder_set_blob_policy(builder, blob.data, blob.len, &error));
  CHECK_STATUS(NV_DONE, nv_verifier_builder_add_certificates(builder, TEXT("ca:demo"),
                                                             root.data, root.len, &error));
  CHECK_STATUS(NV_DONE, nv_verifier_builder_build(builder, &verifier, &error));
  nv_verifier_builder_free(&builder);
  /* Nothing of it is kept by reference. */
  memset(oci.data, 0, oci.len);
  memset(root.data, 0, root.len);
  free(oci.data);
  free(blob.data);
  free(root.data);
  return verifier;
}

/* What signature manifests state, from the envelopes. */
static void thumbprints(const nv_verifier *verifier) {
  nv_error *error = NULL;
  nv_thumbprints *found = NULL;
  nv_str digest = {ENVELOPE, sizeof(ENVELOPE) - 1};
  nv_str manifest_digest = {SIGNATURE, sizeof(SIGNATURE) - 1};
  file envelope = content(digest);
  file manifest = content(manifest_digest);
  size_t i;
  CHECK_STATUS(NV_DONE, nv_envelope_thumbprints(verifier, envelope.data, envelope.len,
                                                &found, &error));
  CHECK(nv_thumbprints_count(found) == 3);
  for (i = 0; i < 3; i++) {
    nv_str one = nv_thumbprints_at(found, i);
    CHECK(one.len == 64 && has(nv_thumbprints_json(found), one.data));
    CHECK(strstr((const char *)manifest.data, one.data) != NULL);
  }
  CHECK(is(nv_thumbprints_at(found, 3), ""));
  CHECK(nv_thumbprints_json(found).data[0] == '[');
  nv_thumbprints_free(&found);
  CHECK(found == NULL);

  /* A chain that did not sign says nothing. */
  envelope.data[envelope.len - 1] ^= 1;
  CHECK_STATUS(NV_ERROR_SIGNING, nv_envelope_thumbprints(verifier, envelope.data,
                                                         envelope.len, &found, &error));
  CHECK_STATUS(NV_ERROR_SIGNING,
               nv_envelope_thumbprints(verifier, NULL, 0, &found, &error));
  CHECK(found == NULL);
  free(envelope.data);
  free(manifest.data);

  envelope = demo_file("%s/blob/notes.txt.jws.sig");
  CHECK_STATUS(NV_DONE, nv_envelope_thumbprints(verifier, envelope.data, envelope.len,
                                                &found, &error));
  CHECK(nv_thumbprints_count(found) == 3);
  nv_thumbprints_free(&found);
  free(envelope.data);
}

static void everything(nv_verifier *verifier) {
  nv_str description = nv_verifier_description_json(verifier);
  CHECK(has(description, "\"demo-images\"") && has(description, "\"demo-blobs\""));
  CHECK(has(description, "\"ca:demo\""));
  layouts(verifier);
  blobs(verifier);
  sessions(verifier);
  envelopes(verifier);
  thumbprints(verifier);
  nv_verifier_free(&verifier);
  CHECK(verifier == NULL);
}

int main(int argc, char **argv) {
  CHECK(argc >= 2);
  demo = argv[1];
  CHECK(nv_abi_version() == NV_ABI_VERSION);
  CHECK(strlen(nv_library_version()) >= 5);
  CHECK(strcmp(nv_status_name(NV_UNSIGNED), "unsigned") == 0);
  CHECK(strcmp(nv_status_name(9999), "unknown") == 0);
  /* The layouts that other languages declare again. */
  CHECK(sizeof(nv_str) == 2 * sizeof(void *) && sizeof(nv_slice) == 2 * sizeof(void *));
  CHECK(sizeof(nv_need) == 24 + 10 * sizeof(void *));
  CHECK(offsetof(nv_need, kind) == 16 && offsetof(nv_need, what) == 24);
  CHECK(offsetof(nv_need, body) == 24 + 8 * sizeof(void *));
  CHECK(sizeof(nv_status) == 4 && NV_TRUSTED == 0);
  CHECK(sizeof(nv_signing_result) == 24 + 9 * sizeof(void *));
  CHECK(offsetof(nv_signing_result, state) == 16);
  CHECK(offsetof(nv_signing_result, error) == 24 + 8 * sizeof(void *));
  CHECK(strcmp(nv_signing_state_name(NV_SIGNING_ALREADY_ATTACHED), "already-attached") ==
        0);
  CHECK(strcmp(nv_signing_state_name(9999), "unknown") == 0);
  /* The portable cryptography alone where the machine is not a real one. */
  if (argc < 3) {
    everything(demo_verifier(demo, ""));
    everything(from_memory(""));
  }
  everything(demo_verifier(demo, "{\"cryptography\":\"portable\"}"));
  everything(from_memory("{\"cryptography\":\"portable\"}"));
  printf("use: %d checks\n", checks_done);
  return 0;
}
