/*
 * Verifies an image in an OCI image layout, and prints the digest that may be used.
 *
 *   layout CONFIG LAYOUT SCOPE REFERENCE
 *
 * Exit code: 0 trusted, 1 not trusted, 2 wrong usage, 3 could not evaluate.
 */
#include <notation_verifier.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Appends `text` as a JSON string. `end` must have room for 6 octets a character. */
static char *append_json(char *end, const char *text) {
  *end++ = '"';
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x20) {
      end += sprintf(end, "\\u%04x", c);
    } else {
      if (c == '"' || c == '\\') {
        *end++ = '\\';
      }
      *end++ = (char)c;
    }
  }
  *end++ = '"';
  return end;
}

static char *append(char *end, const char *text) {
  size_t length = strlen(text);
  memcpy(end, text, length);
  return end + length;
}

static char *request_of(const char *path, const char *scope, const char *reference) {
  size_t most = 6 * (strlen(path) + strlen(scope) + strlen(reference)) + 64;
  char *request = malloc(most);
  char *end = request;
  if (request == NULL) {
    abort();
  }
  end = append_json(append(end, "{\"path\":"), path);
  end = append_json(append(end, ",\"scope\":"), scope);
  end = append_json(append(end, ",\"reference\":"), reference);
  end = append(end, "}");
  *end = '\0';
  return request;
}

int main(int argc, char **argv) {
  nv_error *error = NULL;
  nv_verifier *verifier = NULL;
  nv_report *report = NULL;
  char *request;
  nv_status status;

  if (argc != 5) {
    fprintf(stderr, "usage: layout CONFIG LAYOUT SCOPE REFERENCE\n");
    return 2;
  }
  status = nv_verifier_from_directory(argv[1], strlen(argv[1]), NULL, 0, &verifier, &error);
  if (status == NV_DONE) {
    request = request_of(argv[2], argv[3], argv[4]);
    status = nv_verify_layout(verifier, request, strlen(request), &report, &error);
    free(request);
  }
  if (error != NULL) {
    fprintf(stderr, "could not evaluate: %s\n", nv_error_message(error).data);
  } else if (status == NV_TRUSTED) {
    printf("trusted %s\n", nv_report_digest(report).data);
  } else {
    printf("%s (%s): %s\n", nv_status_name(status), nv_report_reason(report).data,
           nv_report_detail(report).data);
  }
  nv_report_free(&report);
  nv_verifier_free(&verifier);
  nv_error_free(&error);
  return status == NV_TRUSTED ? 0 : status < 64 ? 1 : 3;
}
