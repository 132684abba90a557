/*
 * Registries with TLS: authorities, client certificates, token servers.
 *
 *   tls ENCRYPTED MUTUAL TOKENS REALM FOLDER
 *
 * ENCRYPTED, MUTUAL and TOKENS are hosts of registries with the unsigned image
 * staging/dotnet/app:amd. All have a certificate of FOLDER/ca.pem. MUTUAL wants the
 * client certificate FOLDER/client.pem, of which FOLDER/client.key is the key, and no
 * other; TOKENS wants a token of the server REALM, which has the account of
 * tests/registries.
 */
#include "check.h"

#define POLICY                                                                           \
  "{\"version\":\"1.0\",\"trustPolicies\":[{\"name\":\"all\",\"registryScopes\":[\"*\"],"   \
  "\"signatureVerification\":{\"level\":\"strict\"},\"trustStores\":[\"ca:none\"],"          \
  "\"trustedIdentities\":[\"*\"]}]}"

static const char *folder;

/* `format` with the folder in place of each "%s", at most three. */
static nv_verifier *verifier_with(const char *format, nv_status wanted) {
  nv_error *error = NULL;
  nv_verifier *verifier = NULL;
  nv_verifier_builder *builder = NULL;
  char options[4096];
  nv_status status;
  CHECK(strlen(format) + 3 * strlen(folder) < sizeof(options));
  sprintf(options, format, folder, folder, folder);
  CHECK_STATUS(NV_DONE, nv_verifier_builder_new(TEXT(options), &builder, &error));
  CHECK_STATUS(NV_DONE, nv_verifier_builder_set_oci_policy(builder, (const uint8_t *)POLICY,
                                                           strlen(POLICY), &error));
  status = nv_verifier_builder_build(builder, &verifier, &error);
  if (status != wanted) {
    fprintf(stderr, "%s: %s\n", options, nv_error_message(error).data);
  }
  CHECK(status == wanted && (status == NV_DONE) == (verifier != NULL));
  nv_error_free(&error);
  nv_verifier_builder_free(&builder);
  return verifier;
}

/* What comes of asking `host`, by both kinds of calls; `why` is in the error. */
static void ask(nv_verifier *verifier, const char *host, nv_status wanted,
                const char *why) {
  nv_error *error = NULL;
  nv_descriptor *descriptor = NULL;
  nv_report *report = NULL;
  char request[512];
  nv_status status;
  sprintf(request, "{\"reference\":\"%s/staging/dotnet/app:amd\",\"timeoutMs\":120000}",
          host);
  status = nv_resolve_image(verifier, TEXT(request), NULL, &descriptor, &error);
  if (status != wanted || strstr(nv_error_message(error).data, why) == NULL) {
    fprintf(stderr, "%s is %s and not %s: %s\n", host, nv_status_name(status),
            nv_status_name(wanted), nv_error_message(error).data);
  }
  CHECK(status == wanted && strstr(nv_error_message(error).data, why) != NULL);
  nv_error_free(&error);
  nv_descriptor_free(&descriptor);
  /* A registry that cannot be believed says nothing of signatures. */
  CHECK_STATUS(wanted == NV_DONE ? NV_UNSIGNED : NV_LOOKUP_FAILED,
               nv_verify_image(verifier, TEXT(request), NULL, &report, &error));
  nv_report_free(&report);
}

static void once(const char *options, const char *host, nv_status wanted,
                 const char *why) {
  nv_verifier *verifier = verifier_with(options, NV_DONE);
  ask(verifier, host, wanted, why);
  nv_verifier_free(&verifier);
}

static int asked;

static void answer(void *context, const char *registry, size_t registry_len,
                   nv_credential *credential) {
  nv_error *error = NULL;
  CHECK(registry_len == strlen(context) && strcmp(registry, context) == 0);
  asked++;
  CHECK_STATUS(NV_DONE,
               nv_credential_set_password(credential, TEXT("robot"),
                                          TEXT("open, sesame: 1+1=2"), &error));
}

/* A token server of another name sees credentials only where it is listed. */
static void tokens(char *host, const char *options, nv_status wanted, const char *why) {
  nv_error *error = NULL;
  nv_verifier *verifier = verifier_with(options, NV_DONE);
  asked = 0;
  CHECK_STATUS(NV_DONE, nv_verifier_set_credential_callback(verifier, answer, host, &error));
  ask(verifier, host, wanted, why);
  CHECK(asked > 0);
  nv_verifier_free(&verifier);
}

#define START "{\"registry\":{\"attempts\":1,\"credentials\":\"none\",\"loopbackHttps\":true"
#define AUTHORITY ",\"caFiles\":[\"%s/ca.pem\"]"

int main(int argc, char **argv) {
  char allowed[1024];
  CHECK(argc == 6);
  folder = argv[5];

  once(START "}}", argv[1], NV_ERROR_IO, "certificate");
  once(START AUTHORITY "}}", argv[1], NV_DONE, "");
  once(START AUTHORITY ",\"ignoreSystemRoots\":true}}", argv[1], NV_DONE, "");
  once(START ",\"ignoreSystemRoots\":true}}", argv[1], NV_ERROR_IO, "");
  once(START ",\"caFiles\":[\"%s/none.pem\"]}}", argv[1], NV_ERROR_IO, "none.pem");
  once(START ",\"caFiles\":[\"%s/server.key\"]}}", argv[1], NV_ERROR_IO, "server.key");
  /* On this machine without TLS, unless it is asked for; never the other way round. */
  once("{\"registry\":{\"attempts\":1" AUTHORITY "}}", argv[1], NV_ERROR_IO, "");

  once(START AUTHORITY "}}", argv[2], NV_ERROR_IO, "");
  once(START AUTHORITY ",\"clientCertificate\":{\"chain\":\"%s/client.pem\","
                       "\"key\":\"%s/client.key\"}}}",
       argv[2], NV_DONE, "");
  once(START AUTHORITY ",\"clientCertificate\":{\"chain\":\"%s/stranger.pem\","
                       "\"key\":\"%s/stranger.key\"}}}",
       argv[2], NV_ERROR_IO, "");
  CHECK(verifier_with(START AUTHORITY ",\"clientCertificate\":{\"chain\":\"%s/none.pem\","
                                      "\"key\":\"%s/client.key\"}}}",
                      NV_ERROR_USAGE) == NULL);

  tokens(argv[3], START AUTHORITY "}}", NV_ERROR_IO, argv[4]);
  sprintf(allowed, "%s,\"allowedRealms\":[\"%s\"]}}", START AUTHORITY, argv[4]);
  tokens(argv[3], allowed, NV_DONE, "");
  sprintf(allowed, "%s,\"allowedRealms\":[\"other.example\"]}}", START AUTHORITY);
  tokens(argv[3], allowed, NV_ERROR_IO, argv[4]);

  printf("tls: %d checks\n", checks_done);
  return 0;
}
