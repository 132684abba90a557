/*
 * Verifies an image in a registry, with libcurl doing the fetching: the library says
 * which HTTP requests it needs, and judges the answers. It knows nothing of sockets,
 * and this program nothing of registries.
 *
 *   session_curl CONFIG REFERENCE [USER:PASSWORD]
 *
 * Exit code: 0 trusted, 1 not trusted, 2 wrong usage, 3 could not evaluate.
 */
#include <notation_verifier.h>

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct buffer {
  char *data;
  size_t len;
  size_t most;
} buffer;

/* Keeps what arrives, and stops the transfer where it is more than allowed. */
static size_t keep(char *data, size_t size, size_t count, void *context) {
  buffer *kept = context;
  size_t len = size * count;
  char *grown;
  if (len > kept->most - kept->len) {
    return 0;
  }
  grown = realloc(kept->data, kept->len + len + 1);
  if (grown == NULL) {
    return 0;
  }
  kept->data = grown;
  memcpy(grown + kept->len, data, len);
  kept->len += len;
  return len;
}

/* The headers of a need, one a line, for libcurl. */
static struct curl_slist *headers_of(const nv_need *need) {
  struct curl_slist *list = NULL;
  const char *line = need->headers.data;
  const char *end;
  while ((end = strchr(line, '\n')) != NULL) {
    char header[4096];
    size_t len = (size_t)(end - line);
    if (len < sizeof(header)) {
      memcpy(header, line, len);
      header[len] = '\0';
      list = curl_slist_append(list, header);
    }
    line = end + 1;
  }
  return list;
}

/* Sends the need's request and supplies the answer, or why there is none. */
static nv_status fetch(CURL *curl, nv_session *session, const nv_need *need,
                       const char *account, nv_error **error) {
  struct curl_slist *headers = headers_of(need);
  buffer body = {NULL, 0, (size_t)need->max_bytes};
  buffer answered = {NULL, 0, 256 * 1024};
  CURLcode result;
  long http_status = 0;
  nv_status status;

  if (need->method.len == 0) {
    return nv_session_supply_failed(session, need->id, "no HTTP request", 15, error);
  }
  curl_easy_reset(curl); /* keeps connections */
  curl_easy_setopt(curl, CURLOPT_URL, need->url.data);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, (void *)&body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, (void *)&answered);
  if (strcmp(need->method.data, "POST") == 0) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)need->body.len);
    curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, (const char *)need->body.data);
  }
  /* The account is the registry's. OCSP responders and the like do not see it, and
     libcurl keeps it from hosts that a redirect leads to. */
  if (account != NULL && need->kind <= NV_NEED_ENVELOPE) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERPWD, account);
  }
  result = curl_easy_perform(curl);
  if (result == CURLE_OK) {
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
    status = nv_session_supply_http(session, need->id, (uint32_t)http_status, answered.data,
                                    answered.len, (const uint8_t *)body.data, body.len,
                                    error);
  } else {
    const char *why = curl_easy_strerror(result);
    status = nv_session_supply_failed(session, need->id, why, strlen(why), error);
  }
  curl_slist_free_all(headers);
  free(answered.data);
  free(body.data);
  return status;
}

/* Drives the session to its end. A need may have one request after the other. */
static nv_status drive(CURL *curl, nv_session *session, const char *account,
                       nv_error **error) {
  nv_status status;
  while ((status = nv_session_step(session, error)) == NV_NEEDS) {
    nv_need need;
    status = nv_session_need(session, 0, &need, error);
    if (status == NV_DONE) {
      status = fetch(curl, session, &need, account, error);
    }
    if (status != NV_DONE) {
      return status;
    }
  }
  return status;
}

int main(int argc, char **argv) {
  nv_error *error = NULL;
  nv_verifier *verifier = NULL;
  nv_session *session = NULL;
  nv_report *report = NULL;
  CURL *curl;
  char request[2048];
  nv_status status;

  /* A reference has no character that JSON would escape; the library checks it. */
  if (argc < 3 || strlen(argv[2]) > 1024 || strpbrk(argv[2], "\"\\") != NULL) {
    fprintf(stderr, "usage: session_curl CONFIG REFERENCE [USER:PASSWORD]\n");
    return 2;
  }
  sprintf(request, "{\"reference\":\"%s\"}", argv[2]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  curl = curl_easy_init();
  if (curl == NULL) {
    return 3;
  }
  status = nv_verifier_from_directory(argv[1], strlen(argv[1]), NULL, 0, &verifier, &error);
  if (status == NV_DONE) {
    status = nv_session_for_image(verifier, request, strlen(request), &session, &error);
  }
  if (status == NV_DONE) {
    status = drive(curl, session, argc > 3 ? argv[3] : NULL, &error);
  }
  if (error == NULL) {
    status = nv_session_report(session, &report, &error);
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
  nv_session_free(&session);
  nv_verifier_free(&verifier);
  nv_error_free(&error);
  curl_easy_cleanup(curl);
  curl_global_cleanup();
  return status == NV_TRUSTED ? 0 : status < 64 ? 1 : 3;
}
