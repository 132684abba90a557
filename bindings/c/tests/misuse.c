/*
 * What a program must not do, and what comes of it: always an error, never a crash
 * and never NV_TRUSTED.
 *
 *   misuse DEMO
 */
#include "check.h"

static const char *demo;

static void null_handles(void) {
  nv_error *error = NULL;
  nv_report *report = NULL;
  nv_session *session = NULL;
  nv_verifier *verifier = NULL;
  nv_verifier_builder *builder = NULL;
  nv_descriptor *descriptor = NULL;
  nv_thumbprints *thumbprints = NULL;
  nv_signing_report *signed_report = NULL;
  nv_need need;
  const uint8_t octet = 0;

  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_verify_layout(NULL, TEXT("{}"), &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_verify_blob(NULL, TEXT("{}"), &octet, 1, &octet, 1,
                                                 &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_verify_blob_file(NULL, TEXT("{}"), &octet, 1,
                                                      TEXT("x"), &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verify_envelope(NULL, TEXT("{}"), &octet, 1, &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_session_for_image(NULL, TEXT("{}"), &session, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_session_for_blob(NULL, TEXT("{}"), &octet, 1, &session, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_session_for_envelope(NULL, TEXT("{}"), &octet, 1, &session, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_session_step(NULL, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_session_need(NULL, 0, &need, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_session_report(NULL, &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_session_supply_http(NULL, 0, 200, NULL, 0, &octet, 1, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_session_supply_content(NULL, 0, NULL, 0, &octet, 1, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_session_supply_not_found(NULL, 0, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_session_supply_failed(NULL, 0, NULL, 0, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_session_supply_resolved(NULL, 0, TEXT("{}"), &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_session_supply_referrers(NULL, 0, TEXT("{}"), &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_session_supply_blob(NULL, 0, &octet, 1, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_session_supply_blob_digest(NULL, 0, &octet, 1, 1, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verifier_builder_set_oci_policy(NULL, &octet, 1, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verifier_builder_set_blob_policy(NULL, &octet, 1, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_verifier_builder_add_certificates(
                                      NULL, TEXT("ca:x"), &octet, 1, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_verifier_builder_build(NULL, &verifier, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_verifier_builder_new(NULL, 0, NULL, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verifier_from_directory(TEXT("x"), NULL, 0, NULL, &error));
  CHECK(report == NULL && session == NULL && verifier == NULL && builder == NULL);
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_resolve_image(NULL, TEXT("{}"), NULL, &descriptor, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_envelope_thumbprints(NULL, &octet, 1, &thumbprints, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_write_payloads(NULL, TEXT("{}"), NULL, NULL, NULL,
                                                    &signed_report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_attach_signatures(NULL, TEXT("{}"), NULL, NULL, NULL,
                                                       &signed_report, &error));
  CHECK(descriptor == NULL && thumbprints == NULL && signed_report == NULL);

  /* Accessors have answers. */
  CHECK(nv_report_status(NULL) == NV_ERROR_ARGUMENT);
  CHECK(nv_report_json(NULL).len == 0 && nv_report_json(NULL).data[0] == '\0');
  CHECK(nv_report_digest(NULL).len == 0 && nv_report_reason(NULL).len == 0);
  CHECK(nv_report_detail(NULL).len == 0 && nv_report_remedy(NULL).len == 0);
  CHECK(nv_error_status(NULL) == NV_ERROR_ARGUMENT);
  CHECK(nv_error_message(NULL).len == 0 && nv_error_json(NULL).len == 0);
  CHECK(nv_session_need_count(NULL) == 0 && nv_session_needs_json(NULL).len == 0);
  CHECK(nv_verifier_description_json(NULL).len == 0);
  CHECK(nv_descriptor_json(NULL).len == 0 && nv_descriptor_digest(NULL).len == 0);
  CHECK(nv_descriptor_reference(NULL).len == 0 && nv_descriptor_size(NULL) == -1);
  CHECK(nv_descriptor_media_type(NULL).len == 0);
  CHECK(nv_thumbprints_count(NULL) == 0 && nv_thumbprints_at(NULL, 0).len == 0);
  CHECK(nv_thumbprints_json(NULL).len == 0 && nv_signing_report_json(NULL).len == 0);
  CHECK(nv_signing_report_count(NULL, NV_SIGNING_WRITTEN) == 0);

  /* Freeing nothing, in both ways. */
  nv_error_free(NULL);
  nv_report_free(NULL);
  nv_session_free(NULL);
  nv_verifier_free(NULL);
  nv_verifier_builder_free(NULL);
  nv_error_free(&error);
  nv_report_free(&report);
  nv_session_free(&session);
  nv_verifier_free(&verifier);
  nv_verifier_builder_free(&builder);
  nv_descriptor_free(NULL);
  nv_thumbprints_free(NULL);
  nv_signing_report_free(NULL);
  nv_descriptor_free(&descriptor);
  nv_thumbprints_free(&thumbprints);
  nv_signing_report_free(&signed_report);

  /* Nobody has to take the error. */
  CHECK(nv_session_step(NULL, NULL) == NV_ERROR_ARGUMENT);
}

static void freed_twice(void) {
  nv_error *error = NULL;
  nv_report *report = NULL;
  nv_verifier *verifier = demo_verifier(demo, "");
  char *request = with_demo(LAYOUT_REQUEST, demo);
  CHECK_STATUS(NV_TRUSTED, nv_verify_layout(verifier, TEXT(request), &report, &error));
  nv_report_free(&report);
  CHECK(report == NULL);
  nv_report_free(&report);
  CHECK(nv_report_status(report) == NV_ERROR_ARGUMENT);
  nv_verifier_free(&verifier);
  nv_verifier_free(&verifier);
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verify_layout(verifier, TEXT(request), &report, &error));
  free(request);
}

static void inputs(void) {
  static const char *const REQUESTS[] = {
      "",
      "{",
      "[]",
      "{}",
      "{} {}",
      "null",
      "{\"path\":\"x\",\"scope\":\"a/b\"}",
      "{\"path\":\"x\",\"scope\":\"a/b\",\"reference\":\"v1\",\"userMetaData\":{}}",
      "{\"path\":\"x\",\"scope\":\"a/b\",\"reference\":\"v1\",\"maxSignatures\":-1}",
      "{\"path\":\"x\",\"scope\":\"a/b\",\"reference\":\"v1\",\"maxSignatures\":0}",
      "{\"path\":\"x\",\"scope\":\"a/b\",\"reference\":\"v1\",\"at\":\"yesterday\"}",
  };
  nv_error *error = NULL;
  nv_report *report = NULL;
  nv_session *session = NULL;
  nv_verifier *other = NULL;
  nv_verifier *verifier = demo_verifier(demo, "");
  const uint8_t octet = 0;
  size_t i;
  for (i = 0; i < sizeof(REQUESTS) / sizeof(REQUESTS[0]); i++) {
    CHECK_STATUS(NV_ERROR_USAGE,
                 nv_verify_layout(verifier, TEXT(REQUESTS[i]), &report, &error));
  }
  CHECK_STATUS(NV_ERROR_USAGE,
               nv_session_for_image(
                   verifier, TEXT("{\"reference\":\"registry.example/demo/app\"}"), &session,
                   &error));
  CHECK_STATUS(NV_ERROR_USAGE,
               nv_verifier_from_directory(TEXT("no such directory"), NULL, 0, &other, &error));
  CHECK_STATUS(NV_ERROR_USAGE, nv_verifier_from_directory(
                                   TEXT("."), TEXT("{\"limit\":{}}"), &other, &error));

  /* NULL with a length, lengths that nothing has, text that is not UTF-8. */
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_verify_layout(verifier, NULL, 1, &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verify_layout(verifier, "{}", SIZE_MAX, &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verify_layout(verifier, "{}", SIZE_MAX / 2 + 1, &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verify_envelope(verifier, TEXT("{}"), &octet, SIZE_MAX, &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_verify_layout(verifier, TEXT("{\"path\":\"\xff\xfe\"}"), &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_verify_layout(verifier, TEXT("{}"), NULL, &error));
  CHECK(report == NULL && session == NULL && other == NULL);
  nv_verifier_free(&verifier);
}

/* Calls around a signing service: what is refused before anything is asked or written. */
static void signing(void) {
  static const char *const PAYLOADS[] = {
      "",
      "{}",
      "{\"directory\":\"/dev/null/x\"}",
      "{\"directory\":\"\",\"references\":[\"a.example/b:c\"]}",
      "{\"directory\":\"/dev/null/x\",\"references\":[]}",
      "{\"directory\":\"/dev/null/x\",\"references\":[\"b\"]}",
      "{\"directory\":\"/dev/null/x\",\"references\":[\"a.example/b\"]}",
      "{\"directory\":\"/dev/null/x\",\"references\":[\"a.example/b:c\"],\"concurrency\":0}",
      "{\"directory\":\"/dev/null/x\",\"references\":[\"a.example/b:c\"],\"skipvalid\":true}",
      ("{\"directory\":\"/dev/null/x\",\"references\":[\"a.example/b:c\"],"
       "\"repoPrefix\":\"x/\"}"),
      "{\"directory\":\"/dev/null/x\",\"references\":[\"a.example/b:c\"],\"at\":\"soon\"}",
  };
  static const char *const ATTACH[] = {
      "",
      "{\"pairs\":[]}",
      "{\"pairs\":[{\"reference\":\"a.example/b:c\"}]}",
      "{\"pairs\":[{\"reference\":\"a.example/b:c\",\"envelope\":\"x\",\"e\":1}]}",
      "{\"pairs\":[{\"reference\":\"b\",\"envelope\":\"x\"}]}",
      ("{\"pairs\":[{\"reference\":\"a.example/b:c\",\"envelope\":\"x\"}],"
       "\"concurrency\":0}"),
      ("{\"pairs\":[{\"reference\":\"a.example/b:c\",\"envelope\":\"x\"}],"
       "\"manifestForm\":\"old\"}"),
      "{\"maps\":\"x\"}",
  };
  static const char PAYLOAD[] =
      "{\"directory\":\"/dev/null/x\",\"references\":[\"a.example/b:c\"]";
  char text[256];
  nv_error *error = NULL;
  nv_descriptor *descriptor = NULL;
  nv_signing_report *report = NULL;
  nv_verifier_builder *builder = NULL;
  nv_verifier *bare = NULL;
  nv_verifier *verifier = demo_verifier(demo, "");
  size_t i;
  for (i = 0; i < sizeof(PAYLOADS) / sizeof(PAYLOADS[0]); i++) {
    CHECK_STATUS(NV_ERROR_USAGE, nv_write_payloads(verifier, TEXT(PAYLOADS[i]), NULL, NULL,
                                                   NULL, &report, &error));
  }
  for (i = 0; i < sizeof(ATTACH) / sizeof(ATTACH[0]); i++) {
    CHECK_STATUS(NV_ERROR_USAGE, nv_attach_signatures(verifier, TEXT(ATTACH[i]), NULL, NULL,
                                                      NULL, &report, &error));
  }
  sprintf(text, "%s}", PAYLOAD);
  CHECK_STATUS(NV_ERROR_IO,
               nv_write_payloads(verifier, TEXT(text), NULL, NULL, NULL, &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_write_payloads(verifier, TEXT(text), NULL, NULL, NULL, NULL, &error));
  CHECK_STATUS(NV_ERROR_IO, nv_attach_signatures(verifier, TEXT("{\"map\":\"/dev/null/x\"}"),
                                                 NULL, NULL, NULL, &report, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_attach_signatures(verifier, TEXT("{}"), NULL, NULL, NULL, NULL, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_attach_signatures(verifier, "\xff", 1, NULL, NULL,
                                                       NULL, &report, &error));
  /* Nobody could say which signatures are valid. */
  CHECK_STATUS(NV_DONE, nv_verifier_builder_new(NULL, 0, &builder, &error));
  CHECK_STATUS(NV_DONE, nv_verifier_builder_build(builder, &bare, &error));
  sprintf(text, "%s,\"skipValid\":true}", PAYLOAD);
  CHECK_STATUS(NV_ERROR_USAGE,
               nv_write_payloads(bare, TEXT(text), NULL, NULL, NULL, &report, &error));
  CHECK(report == NULL);
  nv_verifier_builder_free(&builder);
  nv_verifier_free(&bare);

  CHECK_STATUS(NV_ERROR_USAGE,
               nv_resolve_image(verifier, TEXT(""), NULL, &descriptor, &error));
  CHECK_STATUS(NV_ERROR_USAGE,
               nv_resolve_image(verifier, TEXT("{\"reference\":\"b\"}"), NULL, &descriptor,
                                &error));
  CHECK_STATUS(NV_ERROR_USAGE,
               nv_resolve_image(verifier, TEXT("{\"reference\":\"a.example/b\"}"), NULL,
                                &descriptor, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_resolve_image(verifier, TEXT("{}"), NULL, NULL, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_envelope_thumbprints(verifier, NULL, 0, NULL, &error));
  CHECK(descriptor == NULL);
  nv_verifier_free(&verifier);
}

static void builders(void) {
  static const char BROKEN[] = "{\"version\":\"1.0\"";
  nv_error *error = NULL;
  nv_report *report = NULL;
  nv_verifier *verifier = NULL;
  nv_verifier_builder *builder = NULL;
  char *request = with_demo(LAYOUT_REQUEST, demo);
  CHECK_STATUS(NV_ERROR_USAGE,
               nv_verifier_builder_new(TEXT("{\"at\":\"soon\",\"x\":1}"), &builder, &error));
  CHECK_STATUS(NV_DONE, nv_verifier_builder_new(NULL, 0, &builder, &error));
  CHECK_STATUS(NV_ERROR_TRUST_POLICY,
               nv_verifier_builder_set_oci_policy(builder, (const uint8_t *)BROKEN,
                                                  strlen(BROKEN), &error));
  CHECK_STATUS(NV_ERROR_USAGE,
               nv_verifier_builder_add_certificates(builder, TEXT("ca:../x"),
                                                    (const uint8_t *)"", 0, &error));
  CHECK_STATUS(NV_ERROR_TRUST_STORE,
               nv_verifier_builder_add_certificates(builder, TEXT("ca:x"),
                                                    (const uint8_t *)BROKEN,
                                                    strlen(BROKEN), &error));
  /* A verifier without a policy trusts nothing. */
  CHECK_STATUS(NV_DONE, nv_verifier_builder_build(builder, &verifier, &error));
  CHECK_STATUS(NV_ERROR_TRUST_POLICY,
               nv_verify_layout(verifier, TEXT(request), &report, &error));
  nv_verifier_free(&verifier);
  nv_verifier_builder_free(&builder);
  free(request);
}

static void wrong_order(void) {
  static const char REQUEST[] = "{\"reference\":\"registry.example/demo/app:v1\"}";
  nv_error *error = NULL;
  nv_report *report = NULL;
  nv_session *session = NULL;
  nv_need need;
  nv_verifier *verifier = demo_verifier(demo, "");
  const uint8_t octet = 0;
  CHECK_STATUS(NV_DONE, nv_session_for_image(verifier, TEXT(REQUEST), &session, &error));
  /* A session outlives its verifier. */
  nv_verifier_free(&verifier);
  CHECK_STATUS(NV_ERROR_STATE, nv_session_report(session, &report, &error));
  CHECK_STATUS(NV_ERROR_STATE, nv_session_supply_not_found(session, 0, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_session_need(session, 0, &need, &error));
  CHECK_STATUS(NV_NEEDS, nv_session_step(session, &error));
  CHECK_STATUS(NV_NEEDS, nv_session_step(session, &error));
  CHECK(nv_session_need_count(session) == 1);
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_session_need(session, 1, &need, &error));
  CHECK_STATUS(NV_DONE, nv_session_need(session, 0, &need, &error));
  /* Answers that do not fit the question leave it open. */
  CHECK_STATUS(NV_ERROR_STATE,
               nv_session_supply_blob(session, need.id, &octet, 1, &error));
  CHECK_STATUS(NV_ERROR_STATE,
               nv_session_supply_blob_digest(session, need.id, &octet, 1, 1, &error));
  CHECK_STATUS(NV_ERROR_STATE, nv_session_supply_referrers(session, need.id,
                                                           TEXT("{\"descriptors\":[]}"),
                                                           &error));
  CHECK_STATUS(NV_ERROR_USAGE,
               nv_session_supply_resolved(session, need.id, TEXT("{}"), &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_session_supply_http(session, need.id, 0, NULL, 0,
                                                         &octet, 1, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT, nv_session_supply_http(session, need.id, 70000, NULL, 0,
                                                         &octet, 1, &error));
  CHECK_STATUS(NV_ERROR_ARGUMENT,
               nv_session_supply_content(session, need.id, NULL, 0, &octet, SIZE_MAX,
                                         &error));
  CHECK_STATUS(NV_ERROR_STATE, nv_session_supply_not_found(session, need.id + 7, &error));
  CHECK_STATUS(NV_NEEDS, nv_session_step(session, &error));
  CHECK_STATUS(NV_DONE, nv_session_supply_not_found(session, need.id, &error));
  CHECK_STATUS(NV_ERROR_STATE, nv_session_supply_not_found(session, need.id, &error));
  CHECK_STATUS(NV_LOOKUP_FAILED, nv_session_step(session, &error));
  CHECK_STATUS(NV_ERROR_STATE, nv_session_supply_not_found(session, need.id, &error));
  CHECK_STATUS(NV_LOOKUP_FAILED, nv_session_step(session, &error));
  CHECK_STATUS(NV_LOOKUP_FAILED, nv_session_report(session, &report, &error));
  /* A report outlives its session. */
  nv_session_free(&session);
  CHECK(nv_report_status(report) == NV_LOOKUP_FAILED && nv_report_digest(report).len == 0);
  nv_report_free(&report);
}

int main(int argc, char **argv) {
  CHECK(argc >= 2);
  demo = argv[1];
  null_handles();
  freed_twice();
  inputs();
  signing();
  builders();
  wrong_order();
  printf("misuse: %d checks\n", checks_done);
  return 0;
}
